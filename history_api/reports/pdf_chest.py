"""The chest in a report: the four positions, each with the sign and the colour of its answer."""

import io
from typing import Any, Final

from history_api.pictures import chest
from history_api.reports.pdf_sheet import PdfSheet

WIDTH: Final = 58.0
HEIGHT: Final = WIDTH * chest.HEIGHT / chest.WIDTH
"""mm"""
_SCALE: Final = WIDTH / chest.WIDTH
_COLOURS: Final = {
    "normal": (7, 95, 143),
    "abnormal": (179, 18, 59),
    "unsure": (138, 75, 0),
    "missing": (74, 90, 104),
}
_FILLS: Final = {"normal": (207, 227, 239), "abnormal": (250, 222, 228), "unsure": (253, 240, 222)}
_STROKES: Final = {"normal": 0.5, "abnormal": 1.0}
_DASHES: Final = {"unsure": (1.6, 0.9), "missing": (0.5, 0.8)}
"""mm; they tell the states apart without colour, as do the signs."""


def draw(sheet: PdfSheet, exam: dict[str, Any], left: float, top: float) -> None:
    """Draw the chest of an exam, a document, with its upper left corner there."""
    body = "".join(
        f'<path d="{line}" fill="none" stroke="#4a5a68" stroke-width="1.2" stroke-linecap="round"/>'
        for line in chest.BODY
    )
    box = f'viewBox="0 0 {chest.WIDTH} {chest.HEIGHT}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{body}</svg>'
    alt = ", ".join(f"{each['site']}: {chest.state(each)}" for each in exam["positions"][:4])
    sheet.image(io.BytesIO(svg.encode()), x=left, y=top, w=WIDTH, h=HEIGHT, alt_text=alt)
    for (x, y), position in zip(chest.PLACES, exam["positions"], strict=False):
        _draw_position(sheet, position, left + x * _SCALE, top + y * _SCALE)
    sheet.set_text_color(0)
    sheet.set_draw_color(0)
    sheet.set_line_width(0.2)


def _draw_position(sheet: PdfSheet, position: dict[str, Any], x: float, y: float) -> None:
    state, radius = chest.state(position), chest.RADIUS * _SCALE
    sheet.set_draw_color(*_COLOURS[state])
    sheet.set_fill_color(*_FILLS.get(state, (255, 255, 255)))
    sheet.set_line_width(_STROKES.get(state, 0.4))
    sheet.set_dash_pattern(*_DASHES.get(state, (0, 0)))
    sheet.circle(x, y, radius, style="DF")
    sheet.set_dash_pattern()
    sheet.set_text_color(*_COLOURS[state])
    sheet.set_font("helvetica", "B", 7)
    name = str(position["site"])
    sheet.text(x - sheet.get_string_width(name) / 2, y - 0.3, name)
    _sign(sheet, state, x, y + 2.9)


def _sign(sheet: PdfSheet, state: str, x: float, y: float) -> None:
    """Draw the sign of a state; a check mark and a dash are lines, because not every font has them."""
    sheet.set_line_width(0.4)
    if state == "normal":
        sheet.line(x - 1.2, y - 1.1, x - 0.3, y)
        sheet.line(x - 0.3, y, x + 1.3, y - 2.2)
    elif state == "missing":
        sheet.line(x - 1, y - 0.9, x + 1, y - 0.9)
    else:
        sheet.set_font("helvetica", "B", 9)
        sign = chest.MARKS[state]
        sheet.text(x - sheet.get_string_width(sign) / 2, y, sign)
