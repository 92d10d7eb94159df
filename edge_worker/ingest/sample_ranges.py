"""Sets of sample ranges: those received of a recording, and those missing from a stream."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any, Final, Self

Range = tuple[int, int]
"""Half-open range of samples, `[start, end)`."""
MAX_MISSING_RANGES: Final = 256
"""Missing ranges of a stream. With more, the two that are closest are joined, and cover a little too much."""


class SampleRanges:
    """Sorted, disjoint, half-open ranges of sample indices. Adding in order costs constant time."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Add `[start, end)`; touching ranges become one."""
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
        """Return whether any sample of `[start, end)` is contained."""
        if start >= end or not self._ends or start >= self._ends[-1]:
            return False
        position = bisect_right(self._ends, start)
        return position < len(self._starts) and self._starts[position] < end

    def contains(self, start: int, end: int) -> bool:
        """Return whether every sample of `[start, end)` is contained."""
        if start >= end:
            return True
        position = bisect_right(self._starts, start) - 1
        return position >= 0 and self._ends[position] >= end

    def gaps(self, end: int) -> list[Range]:
        """Return the ranges of `[0, end)` that are not contained, in order."""
        edges = [0, *self._ends]
        starts = [*self._starts, end]
        return [(a, min(b, end)) for a, b in zip(edges, starts, strict=True) if a < min(b, end)]

    def covers(self, end: int) -> bool:
        """Return whether all of `[0, end)` is contained."""
        return self.contains(0, end)

    def last_end(self, limit: int) -> int:
        """Return where the last range that ends at `limit` or before ends; 0 where none does."""
        position = bisect_right(self._ends, limit)
        return self._ends[position - 1] if position else 0

    def cut(self, end: int) -> None:
        """Remove what lies at `end` or behind."""
        keep = bisect_left(self._starts, end)
        del self._starts[keep:], self._ends[keep:]
        if self._ends:
            self._ends[-1] = min(self._ends[-1], end)

    @property
    def end(self) -> int:
        """Index after the last sample that is contained; 0 when none is."""
        return self._ends[-1] if self._ends else 0


class MissingRanges:
    """Ranges of samples of a stream that did not arrive, in order, in bounded memory.

    Their sum is exact; the ranges are, as long as there are at most `MAX_MISSING_RANGES`.
    """

    def __init__(self, ranges: Iterable[Range] = (), samples: int = 0) -> None:
        self.ranges = list(ranges)
        self.samples = samples
        """Count of missing samples, exact."""

    def add(self, start: int, end: int) -> None:
        """Add `[start, end)`, which lies behind all others."""
        if start >= end:
            return
        self.samples += end - start
        self.ranges.append((start, end))
        if len(self.ranges) > MAX_MISSING_RANGES:
            gaps = [after[0] - before[1] for before, after in zip(self.ranges, self.ranges[1:], strict=False)]
            at = gaps.index(min(gaps))
            self.ranges[at : at + 2] = [(self.ranges[at][0], self.ranges[at + 1][1])]

    def within(self, start: int, end: int) -> int:
        """Return how many samples of `[start, end)` are missing."""
        count = 0
        for first, stop in reversed(self.ranges):
            if stop <= start:
                break
            count += max(0, min(stop, end) - max(first, start))
        return count

    def document(self) -> dict[str, Any]:
        """Return this as JSON, for `restore`."""
        return {"ranges": self.ranges, "samples": self.samples}

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Self:
        """Return the ranges that `document` was made of."""
        return cls([(start, end) for start, end in document["ranges"]], document["samples"])
