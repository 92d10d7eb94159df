"""Which samples of a recording have arrived, and which have not."""

from bisect import bisect_left, bisect_right

Range = tuple[int, int]
"""Half-open range of samples, `[start, end)`."""


class SampleRanges:
    """Sorted, disjoint, half-open ranges of sample indices. Adding in order costs constant time."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Mark `[start, end)` as there; touching ranges become one."""
        if start >= end:
            return
        if self._ends and start == self._ends[-1]:
            self._ends[-1] = end
            return
        low = bisect_left(self._ends, start)
        high = bisect_right(self._starts, end)
        if low < high:
            start = min(start, self._starts[low])
            end = max(end, self._ends[high - 1])
        self._starts[low:high] = [start]
        self._ends[low:high] = [end]

    def overlaps(self, start: int, end: int) -> bool:
        """Return whether any sample of `[start, end)` is there."""
        if start >= end or not self._ends or start >= self._ends[-1]:
            return False
        position = bisect_right(self._ends, start)
        return position < len(self._starts) and self._starts[position] < end

    def contains(self, start: int, end: int) -> bool:
        """Return whether every sample of `[start, end)` is there."""
        if start >= end:
            return True
        position = bisect_right(self._starts, start) - 1
        return position >= 0 and self._ends[position] >= end

    def gaps(self, end: int) -> list[Range]:
        """Return the ranges of `[0, end)` that are not there, in order."""
        edges = [0, *self._ends]
        starts = [*self._starts, end]
        return [(a, min(b, end)) for a, b in zip(edges, starts, strict=True) if a < min(b, end)]

    def covers(self, end: int) -> bool:
        """Return whether all of `[0, end)` is there."""
        return self.contains(0, end)

    @property
    def end(self) -> int:
        """Index after the last sample that is there; 0 when none is."""
        return self._ends[-1] if self._ends else 0
