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


def ticks(last: float, most: int = 10) -> list[float]:
    """Return round numbers from 0 to `last`, evenly spaced, at most `most` beside 0."""
    step = next((step for step in _STEPS if last / step <= most), max(last, 1.0))
    return [round(step * i, 6) for i in range(math.floor(last / step + 1e-9) + 1)]
