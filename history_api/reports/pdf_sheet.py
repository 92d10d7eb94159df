"""A4 PDF document that reports are written on: black on white, with the notice in the footer of each page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from edge_worker import __version__
from history_api.pictures.axis import ticks
from history_api.pictures.notice import LABEL_NOTICE
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks
from history_api.reports import fonts
from history_api.reports.pdf_letters import Letters, add_font, font_of, is_latin1
from history_api.results.translation import Say

WIDTH: Final = 180.0
"""Width between the margins. This and the lengths below are in mm."""
_MARGIN: Final = 15.0
_NAME_WIDTH: Final = 38.0
_BOTTOM: Final = 20.0
_LINE_HEIGHT: Final = 4.6
_NOTE_HEIGHT: Final = 14.0
"""Of the note about letters that could not be shown."""
_GUTTER: Final = 6.0
_WAVEFORM_HEIGHT: Final = 24.0
_HATCH_MM: Final = 1.5


@dataclass(frozen=True, slots=True)
class BarChart:
    """Probabilities of a model as bars."""

    title: str
    shares: Sequence[tuple[str, float]]
    """Name and probability."""
    threshold: float
    """From which a label is accepted."""


class PdfSheet(FPDF):
    """A report that is being written, from top to bottom. The same calls produce the same bytes."""

    def __init__(self, title: str, about: str, made_at: datetime, say: Say) -> None:
        """Begin a report; `about` is the id that the footer of each page carries."""
        super().__init__(format="A4")
        self.say = say
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_BOTTOM)
        self.set_creation_date(made_at)
        self.set_text_shaping(use_shaping_engine=True)  # Arabic letters join, and run from right to left
        self._letters = Letters()
        self._about, self._fonts = about, dict[str, None]()
        self._made = f"{made_at:%Y-%m-%d %H:%M:%S} UTC"
        self.set_title(title)
        self.set_lang(say.language)
        self.add_page()
        self.cell(0, 9, self.choose_font(title, "B", 16), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        """Write the notice and the page number; fpdf2 calls this at the end of each page."""
        say = self.say
        self.set_y(-15)
        self.set_font("helvetica", "", 8)
        self.cell(0, 4, say(LABEL_NOTICE))
        page = say("page {number} of {pages}", number=self.page_no(), pages="{nb}")
        self.cell(0, 4, page, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("helvetica", "", 7)
        self.cell(0, 4, f"{self._about}, Stetho Edge {__version__}, {say('report of')} {self._made}")

    def finish(self) -> bytes:
        """Return the document, with what it could not show at its end."""
        missing = self._letters.missing(self.say)
        if missing:
            self.ln(2)
            self.paragraph(missing, size=7)
        return bytes(self.output())

    @property
    def room(self) -> float:
        """How much of this page is left, mm, less what `finish` has to say."""
        left = float(self.h - _BOTTOM - self.get_y())
        return left - (_NOTE_HEIGHT if self._letters.missing(self.say) else 0.0)

    def _lines(self, text: str, height: float = _LINE_HEIGHT) -> None:
        self.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def choose_font(self, text: str, style: str, size: float) -> str:
        """Choose fonts that have `text`, and return what they can show of it."""
        shown = self._letters.shown(text)
        if is_latin1(shown):
            self.set_font("helvetica", style, size)
            return shown
        needed = dict.fromkeys(font for each in shown if not is_latin1(each) and (font := font_of(each)))
        main = next((font for font in needed if font.bold is not None), next(iter(needed)))
        if fonts.DEJAVU.is_installed:  # it has Latin letters, too
            main = fonts.DEJAVU
        for font in (main, *needed):
            if font.name not in self._fonts:
                add_font(self, font)
                self._fonts[font.name] = None
        self.set_fallback_fonts([name for name in self._fonts if name != main.name], exact_match=False)
        self.set_font(main.name, style if main.bold else "", size)
        return shown

    def heading(self, text: str, room: float = 30, size: float = 11) -> None:
        """Write a heading, on a new page if fewer than `room` mm are left."""
        if self.will_page_break(room):
            self.add_page()
        self.ln(2)
        self.multi_cell(
            0, 0.6 * size, self.choose_font(text, "B", size), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def paragraph(self, text: str, style: str = "", size: float = 9) -> None:
        """Write text over the whole width; `style` is that of fpdf2, "B" for bold."""
        self._lines(self.choose_font(text, style, size), _LINE_HEIGHT * size / 9)

    def field(self, name: str, value: str, size: float = 9) -> None:
        """Write the name of a fact, in the language of the report, and its value, which may take lines."""
        height = _LINE_HEIGHT * size / 9
        self.cell(_NAME_WIDTH, height, self.choose_font(self.say(name), "B", size))
        self._lines(self.choose_font(value, "", size), height)

    def charts(self, charts: Sequence[BarChart]) -> None:
        """Write charts of bars: one over the whole width, two and more side by side."""
        columns = 1 if len(charts) == 1 else 2
        width = (WIDTH - _GUTTER * (columns - 1)) / columns
        for pair in (charts[i : i + columns] for i in range(0, len(charts), columns)):
            if self.will_page_break(max(self._chart_height(each, width) for each in pair)):
                self.add_page()
            top, ends = self.get_y(), []
            for column, each in enumerate(pair):
                self.set_y(top)
                self._chart(each, _MARGIN + column * (width + _GUTTER), width)
                ends.append(self.get_y())
            self.set_y(max(ends) + 1)

    def _chart_height(self, chart: BarChart, width: float) -> float:
        text = self.choose_font(chart.title, "B", 9)
        title: Any = self.multi_cell(width, _LINE_HEIGHT, text, dry_run=True, output=MethodReturnValue.HEIGHT)
        return float(title) + _LINE_HEIGHT * len(chart.shares) + 1

    def _chart(self, chart: BarChart, left: float, width: float) -> None:
        """Write a title, and each probability (0 to 1) as a bar with a line at the threshold."""
        self.set_x(left)
        title = self.choose_font(chart.title, "B", 9)
        self.multi_cell(width, _LINE_HEIGHT, title, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        names = 0.36 * width
        x, bar = left + names, width - names - 11
        for label, share in chart.shares:
            y = self.get_y()
            self.set_x(left)
            self.cell(names - 2, _LINE_HEIGHT, self._cut(label, names - 2, "", 8.5), align="R")
            self.set_fill_color(90)
            self.rect(x, y + 0.8, bar, _LINE_HEIGHT - 1.6)
            self.rect(x, y + 0.8, bar * share, _LINE_HEIGHT - 1.6, style="F")
            self.line(x + bar * chart.threshold, y, x + bar * chart.threshold, y + _LINE_HEIGHT)
            self.set_x(x + bar + 1)
            self.set_font("helvetica", "", 8.5)
            self.cell(10, _LINE_HEIGHT, f"{share:.3f}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _cut(self, text: str, width: float, style: str, size: float) -> str:
        """Choose a font for `text`, and return as much of it as fits."""
        shown = self.choose_font(text, style, size)
        while self.get_string_width(shown) > width:
            shown = shown[:-1]
        return shown

    def row(self, cells: Sequence[str], widths: Sequence[float], style: str = "") -> None:
        """Write a row of a table; text that does not fit its column is cut."""
        if self.will_page_break(_LINE_HEIGHT):
            self.add_page()
        for text, width in zip(cells, widths, strict=True):
            self.cell(width, _LINE_HEIGHT, self._cut(text, width - 2, style, 8), border="B")
        self.ln()

    def waveform(self, envelope: Envelope, marks: Marks) -> None:
        """Draw the waveform: S1 above it, S2 below it, gaps hatched, seconds at the bottom."""
        left, top, first = _MARGIN, self.get_y() + 4, envelope.start_s

        def x_of(second: float) -> float:
            return left + WIDTH * (second - first) / max(envelope.duration_s, 1e-9)

        self._hatch([(x_of(begin), x_of(end)) for begin, end in marks.gaps_s], top)
        self.rect(left, top, WIDTH, _WAVEFORM_HEIGHT)
        self.set_line_width(0.25)
        middle, scale = top + _WAVEFORM_HEIGHT / 2, _WAVEFORM_HEIGHT / 2 * 0.95 / (envelope.peak or 1)
        for column, (low, high) in enumerate(zip(envelope.low, envelope.high, strict=True)):
            x = left + WIDTH * (column + 0.5) / len(envelope.low)
            self.line(x, middle - scale * float(high), x, middle - scale * float(low) + 0.1)
        self.set_line_width(0.2)
        self._heart_sounds("S1", [x_of(mark) for mark in marks.s1_s], top - 1)
        self._heart_sounds("S2", [x_of(mark) for mark in marks.s2_s], top + _WAVEFORM_HEIGHT + 3)
        self.set_font("helvetica", "", 7)
        for tick in ticks(first + envelope.duration_s, first=first):
            self.text(x_of(tick) - 1, top + _WAVEFORM_HEIGHT + 7, f"{tick:g} s")
        self.set_y(top + _WAVEFORM_HEIGHT + 9)

    def _heart_sounds(self, name: str, positions: Sequence[float], baseline: float) -> None:
        self.set_font("helvetica", "", 6)
        free_from = 0.0
        for x in positions:
            if x >= free_from:
                self.text(x - 1.2, baseline, name)
                free_from = x + 4
            tick = baseline + (1 if name == "S1" else -3)
            self.line(x, tick, x, tick + (1 if name == "S1" else -1) * 2)

    def _hatch(self, gaps: Sequence[tuple[float, float]], top: float) -> None:
        """Hatch gaps, given as (left, right); each stroke spans the height, so that none leaves the frame."""
        self.set_fill_color(225)
        for begin, end in gaps:
            self.rect(begin, top, max(end - begin, 0.3), _WAVEFORM_HEIGHT, style="F")
            for stroke in range(round((end - begin) / _HATCH_MM)):
                x = begin + stroke * _HATCH_MM
                self.line(x, top + _WAVEFORM_HEIGHT, min(x + _HATCH_MM, end), top)
