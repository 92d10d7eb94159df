"""Metrics and load control of the live analysis: counts, delays, and how much less it does when late."""

from math import exp
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram

LATE_S: Final = 0.2
"""Sound that waited longer than this means overload: values come less often."""
VERY_LATE_S: Final = 1.0
"""Windows that waited longer than this are more than a burst: some are left out."""
MAX_STRETCH: Final = 4.0
MAX_WINDOW_STRETCH: Final = 16.0
_EARLY: Final = 0.5
"""Between this share of a limit and the limit, nothing changes."""
_LONGEST_STEP_S: Final = 0.2
"""Time without an observation counts as no more than this."""
_WAITS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)


class _StretchControl:
    """Factor by which something is done less often, adapted to the delay that is observed.

    It adapts over seconds, however many streams there are: the effect of a change on a queue shows only
    when the queue was worked through.
    """

    def __init__(self, late_s: float, most: float, rise_s: float, fall_s: float) -> None:
        """Rise by a factor of e in `rise_s` while late, fall by it in `fall_s` while early; 1 to `most`."""
        self.stretch = 1.0
        self._late_s, self._most, self._rise_s, self._fall_s = late_s, most, rise_s, fall_s
        self._observed_at = 0.0

    def observe(self, waited_s: float, now: float) -> None:
        """Adapt to a delay in seconds, observed at `now`, monotonic seconds."""
        elapsed_s, self._observed_at = min(_LONGEST_STEP_S, now - self._observed_at), now
        if waited_s > self._late_s:
            self.stretch = min(self._most, self.stretch * exp(elapsed_s / self._rise_s))
        elif waited_s < _EARLY * self._late_s:
            self.stretch = max(1.0, self.stretch * exp(-elapsed_s / self._fall_s))


class LiveMetrics:
    """Metrics of the live analysis. Written on its thread, read on any."""

    def __init__(self, worker_id: str) -> None:
        """Begin at zero."""
        self.streams = 0
        self.windows = self.skipped_windows = self.skipped_previews = self.values = 0
        self._value_control = _StretchControl(LATE_S, MAX_STRETCH, rise_s=0.2, fall_s=0.4)
        self._window_control = _StretchControl(VERY_LATE_S, MAX_WINDOW_STRETCH, rise_s=3.0, fall_s=8.0)
        self._histogram = Histogram(
            "stetho_worker_live_seconds",
            "From the chunk that caused a live value to the value",
            ["worker"],
            registry=None,
            buckets=_WAITS_S,
        )
        self._value_delays = self._histogram.labels(worker_id)

    def register(self, registry: CollectorRegistry) -> None:
        """Add the histogram of delays of live values to `registry`."""
        registry.register(self._histogram)

    @property
    def stretch(self) -> float:
        """Factor by which the live values of all streams come less often than they should."""
        return self._value_control.stretch

    @property
    def window_stretch(self) -> float:
        """Factor by which fewer windows are classified than there are."""
        return self._window_control.stretch

    def observe_delays(self, now: float, waited_s: float, windows_waited_s: float) -> None:
        """Adapt to the seconds that sound waited to be processed, and that windows wait to be classified."""
        self._value_control.observe(waited_s, now)
        self._window_control.observe(windows_waited_s, now)

    def observe_value(self, waited_s: float) -> None:
        """Count a live value that is published `waited_s` seconds after its chunk."""
        self.values += 1
        self._value_delays.observe(waited_s)

    def document(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {
            "streams": self.streams,
            "values": self.values,
            "windows": self.windows,
            "skipped_windows": self.skipped_windows,
            "skipped_glances": self.skipped_previews,
            "stretch": round(self.stretch, 2),
            "window_stretch": round(self.window_stretch, 2),
        }
