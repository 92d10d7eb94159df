"""Axis ticks at round numbers."""

import math
from typing import Final

_STEPS: Final = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    60,
    100,
    200,
    500,
    1000,
)


def ticks(last: float, most: int = 10, first: float = 0.0) -> list[float]:
    """Return round numbers from `first` to `last`, evenly spaced, at most `most` beside the lowest."""
    span = last - first
    step = next((step for step in _STEPS if span / step <= most), max(span, 1.0))
    lowest, highest = math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9)
    return [round(step * i, 6) for i in range(lowest, highest + 1)]


def axis_unit(first: float) -> str:
    """Return the unit of a time axis; one that does not begin at 0 says what became of the rest."""
    return f"s of the stream; its sound before {first:.1f} s is not kept" if first else "s"
