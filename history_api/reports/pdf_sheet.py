"""Sheets of A4 for reports: black on white, what they are and are not at the foot of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from history_api.pictures.axis import ticks
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks

NOTICE: Final = "Labels describe a sound: not a diagnosis. Research and education, not a medical device."
WIDTH: Final = 180.0
"""mm between the margins"""
_MARGIN: Final = 15.0
_NAME_WIDTH: Final = 38.0
_LINE: Final = 5.0
_BAR_FROM: Final = 45.0
_BAR_WIDTH: Final = 100.0
_WAVE_HEIGHT: Final = 30.0
_HATCH_MM: Final = 1.5


class PdfSheet(FPDF):
    """A report under way; the same calls make the same bytes."""

    def __init__(self, title: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=20)
        self.set_creation_date(made_at)
        self.set_title(latin(title))
        self.set_lang("en")
        self.add_page()
        self.set_font("helvetica", "B", 16)
        self.cell(0, 9, latin(title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_y(-15)
        self.set_font("helvetica", "", 8)
        self.cell(0, 5, NOTICE)
        self.cell(0, 5, f"{self.page_no()}", align="R")

    def heading(self, text: str, room: float = 30) -> None:
        """Write a heading, on the next page where fewer than `room` mm are left."""
        if self.will_page_break(room):
            self.add_page()
        self.ln(3)
        self.set_font("helvetica", "B", 11)
        self.cell(0, 7, latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def line_of(self, text: str, style: str = "") -> None:
        """Write text over the whole width."""
        self.set_font("helvetica", style, 9)
        self.multi_cell(0, _LINE, latin(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def fact(self, name: str, value: str) -> None:
        """Write a name and what it is, which may take several lines."""
        self.set_font("helvetica", "B", 9)
        self.cell(_NAME_WIDTH, _LINE, latin(name))
        self.set_font("helvetica", "", 9)
        self.multi_cell(0, _LINE, latin(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def bar(self, name: str, share: float, threshold: float) -> None:
        """Write a probability as a bar, with a stroke where labels begin to be accepted."""
        if self.will_page_break(_LINE):
            self.add_page()
        x, y = _MARGIN + _BAR_FROM, self.get_y()
        self.set_font("helvetica", "", 9)
        self.cell(_BAR_FROM - 2, _LINE, latin(name), align="R")
        self.set_fill_color(90)
        self.rect(x, y + 0.8, _BAR_WIDTH, _LINE - 1.6)
        self.rect(x, y + 0.8, _BAR_WIDTH * share, _LINE - 1.6, style="F")
        self.line(x + _BAR_WIDTH * threshold, y, x + _BAR_WIDTH * threshold, y + _LINE)
        self.set_x(x + _BAR_WIDTH + 2)
        self.cell(0, _LINE, f"{share:.3f}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, cells: Sequence[str], widths: Sequence[float], style: str = "") -> None:
        """Write a line of a table; what does not fit is cut."""
        self.set_font("helvetica", style, 8)
        for text, width in zip(cells, widths, strict=True):
            shown = latin(text)
            while self.get_string_width(shown) > width - 2:
                shown = shown[:-1]
            self.cell(width, _LINE, shown, border="B")
        self.ln()

    def wave(self, envelope: Envelope, marks: Marks) -> None:
        """Draw the wave: S1 above it, S2 below it, gaps hatched, seconds at the foot."""
        left, top = _MARGIN, self.get_y() + 4
        seconds = max(envelope.duration_s, 1e-9)
        self._hatch([(left + WIDTH * a / seconds, left + WIDTH * b / seconds) for a, b in marks.gaps_s], top)
        self.rect(left, top, WIDTH, _WAVE_HEIGHT)
        self.set_line_width(0.25)
        middle, scale = top + _WAVE_HEIGHT / 2, _WAVE_HEIGHT / 2 * 0.95 / (envelope.peak or 1)
        for column, (low, high) in enumerate(zip(envelope.low, envelope.high, strict=True)):
            x = left + WIDTH * (column + 0.5) / len(envelope.low)
            self.line(x, middle - scale * float(high), x, middle - scale * float(low) + 0.1)
        self.set_line_width(0.2)
        self._sounds("S1", [left + WIDTH * mark / seconds for mark in marks.s1_s], top - 1)
        self._sounds("S2", [left + WIDTH * mark / seconds for mark in marks.s2_s], top + _WAVE_HEIGHT + 3)
        self.set_font("helvetica", "", 7)
        for tick in ticks(envelope.duration_s):
            self.text(left + WIDTH * tick / seconds - 1, top + _WAVE_HEIGHT + 7, f"{tick:g} s")
        self.set_y(top + _WAVE_HEIGHT + 9)

    def _sounds(self, name: str, places: Sequence[float], baseline: float) -> None:
        self.set_font("helvetica", "", 6)
        free_from = 0.0
        for x in places:
            if x >= free_from:
                self.text(x - 1.2, baseline, name)
                free_from = x + 4
            tick = baseline + (1 if name == "S1" else -3)
            self.line(x, tick, x, tick + (1 if name == "S1" else -1) * 2)

    def _hatch(self, gaps: Sequence[tuple[float, float]], top: float) -> None:
        """Hatch from side to side: strokes fall over the height of the wave, so they stay inside."""
        self.set_fill_color(225)
        for begin, end in gaps:
            self.rect(begin, top, max(end - begin, 0.3), _WAVE_HEIGHT, style="F")
            for stroke in range(round((end - begin) / _HATCH_MM)):
                x = begin + stroke * _HATCH_MM
                self.line(x, top + _WAVE_HEIGHT, min(x + _HATCH_MM, end), top)


def latin(text: str) -> str:
    """Return what the fonts of every reader can show; the rest is `?`: devices write in any script."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown.encode("latin-1", "replace").decode("latin-1")
