"""Quality and heart rate of a stream: sums over its windows, in bounded memory."""

from collections import Counter
from typing import Any, Self

from edge_worker.live.timeline import Timeline
from edge_worker.protocol.result import Quality


class StreamQuality:
    """Sums over the windows of one stream that were assessed as a heart sound, or as any sound."""

    def __init__(self) -> None:
        """Begin with no window."""
        self.timeline = Timeline()
        """Values: the heart rate in bpm, the quality score."""
        self._rates: Counter[int] = Counter()
        self._reasons: Counter[str] = Counter()
        self._usable = self._windows = 0
        self._score = self._clipped = self._snr_db = 0.0
        self._with_snr = 0

    def add(self, start_s: float, end_s: float, quality: Quality, bpm: float | None) -> None:
        """Add a window; `bpm` is its heart rate, None where none is certain."""
        self._windows += 1
        self._clipped += quality.clipped
        self._reasons.update(quality.reasons)
        if bpm is not None:
            self._rates[round(10 * bpm)] += 1  # tenths: at most 1,900 different ones
        if quality.usable:
            self._usable += 1
            self._score += quality.score or 0.0
        if quality.snr_db is not None:
            self._with_snr += 1
            self._snr_db += quality.snr_db
        self.timeline.add(start_s, end_s, (bpm, quality.score), usable=quality.usable)

    def heart_rate_bpm(self) -> float | None:
        """Return the median of the heart rates of windows, None when no window had one."""
        half, seen = sum(self._rates.values()) / 2, 0
        for tenths, count in sorted(self._rates.items()):
            seen += count
            if seen >= half:
                return tenths / 10
        return None

    def quality(self) -> Quality | None:
        """Return the quality of the stream: usable when a window was; None when there was no window.

        Where no window was usable, the reasons are the most frequent ones.
        """
        if not self._windows:
            return None
        usable = self._usable > 0
        reasons = () if usable else tuple(reason for reason, _ in self._reasons.most_common(2))
        snr_db = self._snr_db / self._with_snr if self._with_snr else None
        score = self._score / self._usable if usable else 0.0
        return Quality(usable, snr_db, self._clipped / self._windows, reasons, score)

    def document(self) -> dict[str, Any]:
        """Return the sums as JSON, for `restore`."""
        return {
            "rates": {str(tenths): count for tenths, count in self._rates.items()},
            "reasons": dict(self._reasons),
            "counts": [self._windows, self._usable, self._with_snr],
            "sums": [self._score, self._clipped, self._snr_db],
            "timeline": self.timeline.document(),
        }

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Self:
        """Return the sums whose state is `document`."""
        restored = cls()
        restored._rates = Counter({int(tenths): count for tenths, count in document["rates"].items()})
        restored._reasons = Counter(document["reasons"])
        restored._windows, restored._usable, restored._with_snr = document["counts"]
        restored._score, restored._clipped, restored._snr_db = document["sums"]
        restored.timeline = Timeline.restore(document["timeline"])
        return restored
