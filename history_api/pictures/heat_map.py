"""Heat map over time as a greyscale PNG with labelled axes; dark is high."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from history_api.pictures.axis import axis_unit, ticks

COLUMNS: Final = 720
HEIGHT: Final = 256
_LEFT: Final = 64
_TOP: Final = 62
_INK: Final = 0
_GREY: Final = 80


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Levels (columns, rows) from 0, white, to 1, black, lowest row first, with title, axes and legend."""

    title: str
    levels: npt.NDArray[np.float32]
    duration_s: float
    rows: Sequence[tuple[float, str]]
    """Ticks of the left axis: height from 0, bottom, to 1, top, and the text."""
    unit: str
    legend: str
    start_s: float = 0.0
    """Second of the recording with which it begins."""


def png(heat: HeatMap) -> bytes:
    """Return the picture; equal heat maps give equal bytes."""
    page = Image.new("L", (_LEFT + COLUMNS + 24, _TOP + HEIGHT + 76), 255)
    pixels = np.rint(255 - 255 * heat.levels.T[::-1].clip(0, 1)).astype(np.uint8)
    page.paste(Image.fromarray(pixels).resize((COLUMNS, HEIGHT), Image.Resampling.BILINEAR), (_LEFT, _TOP))
    draw = ImageDraw.Draw(page)
    draw.rectangle((_LEFT - 1, _TOP - 1, _LEFT + COLUMNS, _TOP + HEIGHT), outline=_GREY)
    _write_axes(draw, heat)
    with io.BytesIO() as file:
        page.save(file, "PNG", optimize=True)
        return file.getvalue()


def _write_axes(draw: ImageDraw.ImageDraw, heat: HeatMap) -> None:
    small, large = ImageFont.load_default(13), ImageFont.load_default(16)
    bottom = _TOP + HEIGHT
    draw.text((_LEFT, 20), heat.title, _INK, large, anchor="lm")
    draw.text((_LEFT - 8, _TOP - 14), heat.unit, _INK, small, anchor="rm")
    for share, text in heat.rows:
        y = round(bottom - HEIGHT * share)
        draw.line((_LEFT - 5, y, _LEFT - 1, y), _GREY)
        draw.text((_LEFT - 8, y), text, _INK, small, anchor="rm")
    for tick in ticks(heat.start_s + heat.duration_s, first=heat.start_s):
        x = round(_LEFT + COLUMNS * (tick - heat.start_s) / max(heat.duration_s, 1e-9))
        draw.line((x, bottom, x, bottom + 5), _GREY)
        draw.text((x, bottom + 16), f"{tick:g}", _INK, small, anchor="mm")
    draw.text((_LEFT + COLUMNS / 2, bottom + 34), axis_unit(heat.start_s), _INK, small, anchor="mm")
    draw.text((_LEFT, bottom + 60), heat.legend, _GREY, small, anchor="lm")
