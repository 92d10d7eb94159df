"""A4 PDF document that reports are written on: black on white, with the notice in the footer of each page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from edge_worker import __version__
from history_api.pictures.axis import ticks
from history_api.pictures.notice import LABEL_NOTICE
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks
from history_api.reports.pdf_letters import BOLD_FONT, FONT, Letters, is_latin1

WIDTH: Final = 180.0
"""Width between the margins. This and the lengths below are in mm."""
_MARGIN: Final = 15.0
_NAME_WIDTH: Final = 38.0
_LINE_HEIGHT: Final = 5.0
_BAR_LEFT: Final = 45.0
_BAR_WIDTH: Final = 100.0
_WAVEFORM_HEIGHT: Final = 24.0
_HATCH_MM: Final = 1.5


class PdfSheet(FPDF):
    """A report that is being written, from top to bottom. The same calls produce the same bytes."""

    def __init__(self, title: str, about: str, made_at: datetime) -> None:
        """Begin a report; `about` is the id that the footer of each page carries."""
        super().__init__(format="A4")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=20)
        self.set_creation_date(made_at)
        self._letters = Letters()
        self._about, self._is_wide = about, False
        self._made = f"{made_at:%Y-%m-%d %H:%M:%S} UTC"
        self.set_title(title)
        self.set_lang("en")
        self.add_page()
        self.cell(0, 9, self._text(title, "B", 16), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        """Write the notice and the page number; fpdf2 calls this at the end of each page."""
        self.set_y(-15)
        self.set_font("helvetica", "", 8)
        self.cell(0, 4, LABEL_NOTICE)
        self.cell(0, 4, f"page {self.page_no()} of {{nb}}", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("helvetica", "", 7)
        self.cell(0, 4, f"{self._about}, Stetho Edge {__version__}, report of {self._made}")

    def finish(self) -> bytes:
        """Return the document, with what it could not show at its end."""
        missing = self._letters.missing()
        if missing:
            self.ln(2)
            self.paragraph(missing)
        return bytes(self.output())

    def _lines(self, text: str) -> None:
        self.multi_cell(0, _LINE_HEIGHT, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _text(self, text: str, style: str, size: float) -> str:
        """Choose a font that has `text`, and return what it can show of it."""
        shown = self._letters.shown(text)
        family = "helvetica" if is_latin1(shown) else "wide"
        if family == "wide" and not self._is_wide:
            self.add_font("wide", "", FONT)
            self.add_font("wide", "B", BOLD_FONT)
            self._is_wide = True
        self.set_font(family, style, size)
        return shown

    def heading(self, text: str, room: float = 30) -> None:
        """Write a heading, on a new page if fewer than `room` mm are left."""
        if self.will_page_break(room):
            self.add_page()
        self.ln(3)
        self.cell(0, 7, self._text(text, "B", 11), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def paragraph(self, text: str, style: str = "") -> None:
        """Write text over the whole width; `style` is that of fpdf2, "B" for bold."""
        self._lines(self._text(text, style, 9))

    def field(self, name: str, value: str) -> None:
        """Write a name and its value, which may take several lines."""
        self.cell(_NAME_WIDTH, _LINE_HEIGHT, self._text(name, "B", 9))
        self._lines(self._text(value, "", 9))

    def probability_bar(self, label: str, share: float, threshold: float) -> None:
        """Write a probability (0 to 1) as a bar, with a line at the threshold of acceptance."""
        if self.will_page_break(_LINE_HEIGHT):
            self.add_page()
        x, y = _MARGIN + _BAR_LEFT, self.get_y()
        self.cell(_BAR_LEFT - 2, _LINE_HEIGHT, self._text(label, "", 9), align="R")
        self.set_fill_color(90)
        self.rect(x, y + 0.8, _BAR_WIDTH, _LINE_HEIGHT - 1.6)
        self.rect(x, y + 0.8, _BAR_WIDTH * share, _LINE_HEIGHT - 1.6, style="F")
        self.line(x + _BAR_WIDTH * threshold, y, x + _BAR_WIDTH * threshold, y + _LINE_HEIGHT)
        self.set_x(x + _BAR_WIDTH + 2)
        self.cell(0, _LINE_HEIGHT, f"{share:.3f}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, cells: Sequence[str], widths: Sequence[float], style: str = "") -> None:
        """Write a row of a table; text that does not fit its column is cut."""
        if self.will_page_break(_LINE_HEIGHT):
            self.add_page()
        for text, width in zip(cells, widths, strict=True):
            shown = self._text(text, style, 8)
            while self.get_string_width(shown) > width - 2:
                shown = shown[:-1]
            self.cell(width, _LINE_HEIGHT, shown, border="B")
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
