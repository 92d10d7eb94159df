"""Timeline of a stream: values of its windows over time, in bounded memory.

A point is the mean of one window or of several neighbours. When there are more than `MAX_POINTS`, neighbours
are joined in pairs, so that an hour is drawn with as much detail as there is room for.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Self

MAX_POINTS: Final = 240
_DIGITS: Final = 4


class Point(NamedTuple):
    """One window, or several neighbours."""

    start_s: float
    end_s: float
    windows: int
    usable: int
    """How many of the windows were usable."""
    values: tuple[float | None, ...]
    """Means over the windows that have the value; None: no window has it."""


class Timeline:
    """Points in order of time, each with the same number of values."""

    def __init__(self, points: Sequence[Point] = ()) -> None:
        self._points = list(points)

    def add(self, start_s: float, end_s: float, values: Sequence[float | None], *, usable: bool) -> None:
        """Add a window; join pairs when there are too many points."""
        self._points.append(Point(start_s, end_s, 1, int(usable), tuple(values)))
        if len(self._points) > MAX_POINTS:
            pairs = zip(self._points[0::2], self._points[1::2], strict=False)
            rest = self._points[len(self._points) // 2 * 2 :]
            self._points = [_joined(*pair) for pair in pairs] + rest

    def document(self) -> list[list[Any]]:
        """Return the points as JSON: start, end, windows, usable, values."""
        return [
            [
                round(point.start_s, 3),
                round(point.end_s, 3),
                point.windows,
                point.usable,
                [None if value is None else round(value, _DIGITS) for value in point.values],
            ]
            for point in self._points
        ]

    @classmethod
    def restore(cls, document: Sequence[Sequence[Any]]) -> Self:
        """Return the timeline whose points are `document`."""
        return cls([Point(start, end, n, good, tuple(v)) for start, end, n, good, v in document])


def _joined(first: Point, second: Point) -> Point:
    values = [
        _mean(((first.windows, a), (second.windows, b)))
        for a, b in zip(first.values, second.values, strict=True)
    ]
    return Point(
        first.start_s,
        second.end_s,
        first.windows + second.windows,
        first.usable + second.usable,
        tuple(values),
    )


def _mean(weighted: Sequence[tuple[int, float | None]]) -> float | None:
    known = [(weight, value) for weight, value in weighted if value is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else None
