"""How listening goes while sound arrives: counts, how late, and how much less is done because of it."""

from math import exp
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram

LATE_S: Final = 0.2
"""Sound that waited longer than this says that we do not keep up: values come less often."""
VERY_LATE_S: Final = 1.0
"""Windows that waited longer than this are no burst that can be caught up with: some are left out."""
MAX_STRETCH: Final = 4.0
MAX_WINDOW_STRETCH: Final = 16.0
_EARLY: Final = 0.5
"""Between so much of a limit and the limit all stays as it is."""
_LONGEST_STEP_S: Final = 0.2
"""What nobody told us of counts no longer than this."""
_WAITS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)


class _Pace:
    """How many times less often something comes than it should.

    It follows what waits over seconds, however many streams there are: what is done about a queue is seen
    in it only when the queue was worked through.
    """

    def __init__(self, late_s: float, most: float, rise_s: float, fall_s: float) -> None:
        """Go up by a factor of e in `rise_s` of lateness, down in `fall_s` of none, from 1 to `most`."""
        self.stretch = 1.0
        self._late_s, self._most, self._rise_s, self._fall_s = late_s, most, rise_s, fall_s
        self._at = 0.0

    def follow(self, waited_s: float, now: float) -> None:
        """Note how long something waited by now, monotonic seconds."""
        elapsed_s, self._at = min(_LONGEST_STEP_S, now - self._at), now
        if waited_s > self._late_s:
            self.stretch = min(self._most, self.stretch * exp(elapsed_s / self._rise_s))
        elif waited_s < _EARLY * self._late_s:
            self.stretch = max(1.0, self.stretch * exp(-elapsed_s / self._fall_s))


class LiveMetrics:
    """Kept by the coach's thread, read from any."""

    def __init__(self, worker_id: str) -> None:
        """Begin at zero."""
        self.streams = 0
        self.windows = self.skipped_windows = self.skipped_glances = self.values = 0
        self._of_values = _Pace(LATE_S, MAX_STRETCH, rise_s=0.2, fall_s=0.4)
        self._of_windows = _Pace(VERY_LATE_S, MAX_WINDOW_STRETCH, rise_s=3.0, fall_s=8.0)
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

    @property
    def stretch(self) -> float:
        """Values of all streams come so many times less often than they should."""
        return self._of_values.stretch

    @property
    def window_stretch(self) -> float:
        """So many times fewer windows are judged than there are."""
        return self._of_windows.stretch

    def observe_delays(self, now: float, waited_s: float, windows_waited_s: float) -> None:
        """Note how long sound waited to be heard, and waits to be judged; do less or more from now on."""
        self._of_values.follow(waited_s, now)
        self._of_windows.follow(windows_waited_s, now)

    def observe_value(self, waited_s: float) -> None:
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
