"""How listening goes while sound arrives: counts, how late, and how much less is done because of it."""

from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram

LATE_S: Final = 0.2
"""Sound that waited longer than this says that we do not keep up: values come less often."""
VERY_LATE_S: Final = 1.0
"""Windows that waited longer than this are no burst that can be caught up with: some are left out."""
MAX_STRETCH: Final = 4.0
MAX_WINDOW_STRETCH: Final = 16.0
_UP: Final = 1.02
_DOWN: Final = 0.995
"""Factors for each piece of sound: with a hundred streams, some 500 of them come in a second."""
_WAITS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)


class LiveTally:
    """Kept by the coach's thread, read from any."""

    def __init__(self, worker_id: str) -> None:
        """Begin at zero."""
        self.streams = 0
        self.windows = self.skipped_windows = self.skipped_glances = self.values = 0
        self.stretch = self.window_stretch = 1.0
        """Values, and windows, of all streams come so many times less often than they should."""
        self._family = Histogram(
            "stetho_worker_live_seconds",
            "From the chunk that caused a live value to the value",
            ["worker"],
            registry=None,
            buckets=_WAITS_S,
        )
        self._waits = self._family.labels(worker_id)

    def register(self, registry: CollectorRegistry) -> None:
        """Show Prometheus how long live values take."""
        registry.register(self._family)

    def keeps_up(self, waited_s: float | None, windows_waited_s: float | None = None) -> None:
        """Note how long sound waited to be heard, and to be judged; do less or more from now on."""
        if waited_s is not None:
            self.stretch = _adapted(self.stretch, MAX_STRETCH, is_late=waited_s > LATE_S)
        if windows_waited_s is not None:
            is_late = windows_waited_s > VERY_LATE_S
            self.window_stretch = _adapted(self.window_stretch, MAX_WINDOW_STRETCH, is_late=is_late)

    def told(self, waited_s: float) -> None:
        """Note a live value, so long after its chunk."""
        self.values += 1
        self._waits.observe(waited_s)

    def document(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {
            "streams": self.streams,
            "values": self.values,
            "windows": self.windows,
            "skipped_windows": self.skipped_windows,
            "skipped_glances": self.skipped_glances,
            "stretch": round(self.stretch, 2),
            "window_stretch": round(self.window_stretch, 2),
        }


def _adapted(stretch: float, most: float, *, is_late: bool) -> float:
    return min(most, max(1.0, stretch * (_UP if is_late else _DOWN)))
