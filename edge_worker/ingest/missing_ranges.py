"""What never came of a stream: exact in sum, and range by range as far as there is room."""

from collections.abc import Iterable
from typing import Any, Final, Self

from edge_worker.ingest.sample_ranges import Range

MAX_RANGES: Final = 256
"""More ranges than this are joined, the two that are closest first: they then cover a little too much."""


class MissingRanges:
    """Ranges of samples in order."""

    def __init__(self, ranges: Iterable[Range] = (), samples: int = 0) -> None:
        self.ranges = list(ranges)
        self.samples = samples
        """How many never came."""

    def add(self, start: int, end: int) -> None:
        """Note that `[start, end)`, which lies behind all others, did not come."""
        if start >= end:
            return
        self.samples += end - start
        self.ranges.append((start, end))
        if len(self.ranges) > MAX_RANGES:
            gaps = [after[0] - before[1] for before, after in zip(self.ranges, self.ranges[1:], strict=False)]
            at = gaps.index(min(gaps))
            self.ranges[at : at + 2] = [(self.ranges[at][0], self.ranges[at + 1][1])]

    def within(self, start: int, end: int) -> int:
        """Return how many samples of `[start, end)` did not come."""
        lost = 0
        for begin, stop in reversed(self.ranges):
            if stop <= start:
                break
            lost += max(0, min(stop, end) - max(begin, start))
        return lost

    def document(self) -> dict[str, Any]:
        """Return this as JSON, for `restore`."""
        return {"ranges": self.ranges, "samples": self.samples}

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Self:
        """Return what `document` was made of."""
        return cls([(start, end) for start, end in document["ranges"]], document["samples"])
