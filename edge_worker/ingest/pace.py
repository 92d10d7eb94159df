"""Pace of a recording that arrives while it is recorded: whether it holds more sound than time passed.

A device that declares 8 kHz and records with 16 kHz sends two seconds of sound in each second, and its hearts
beat at half their rate. A recording that was kept and is sent later comes as fast as it can, and is not
judged: it must begin to arrive when its device says that it began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

_LEAST_S: Final = 6.0
"""Time for which it has to last."""
_MORE: Final = 1.25
"""Seconds of sound a second, from which on a rate is wrong: no clock of a converter is so far off."""
_MOST: Final = 6.5
"""From 8 to 48 kHz, and a little more: what is faster is sent from memory, whatever it says."""
_AHEAD_S: Final = 1.5
"""Sound that there has to be beyond the time since the first."""
_EVEN: Final = 0.1
"""Difference of the pace in both halves, over the pace: what waited somewhere comes at once."""
_RATES: Final = (
    *(1000.0 * rate for rate in (4, 8, 11.025, 12, 16, 22.05, 24, 32, 44.1, 48, 64, 88.2, 96, 176.4, 192)),
)
"""Hz, of converters."""
_TOLERANCE, _TOLERANCE_S = 0.01, 0.2
"""Difference from such a rate: of clocks, and for when first and last chunk came."""
_BEGINS_S: Final = (-2.0, 5.0)
"""First sound after the time that its device gives: chunks take time, and clocks are not exact."""
_POINT_S: Final = 0.5
_MOST_POINTS: Final = 64


@dataclass(slots=True)
class Pace:
    """When how much sound of one recording had arrived."""

    _points: list[tuple[float, int]] = field(default_factory=list)
    """Monotonic time and index after the last sample, in order; sparser where there are many."""
    _last: tuple[float, int] = (0.0, 0)

    def note(self, now: float, end: int) -> None:
        """Note new sound that ends at a sample."""
        if end <= self._last[1]:
            return
        self._last = (now, end)
        if not self._points or now - self._points[-1][0] >= _POINT_S:
            self._points.append(self._last)
        if len(self._points) > _MOST_POINTS:
            del self._points[1::2]

    def is_of_another_rate(self, sample_rate: int, received_at: float, meta: Mapping[str, Any]) -> bool:
        """Return whether the sound is surely of a higher rate than it declares.

        `received_at` is the Unix time of its first chunk.
        """
        if len(self._points) < 2 or not _begins_at(received_at, meta.get("captured_at")):  # noqa: PLR2004
            return False
        (began, first), (now, end) = self._points[0], self._last
        passed = now - began
        if passed < _LEAST_S or (end - first) / sample_rate < max(_MORE * passed, passed + _AHEAD_S):
            return False
        middle = min(self._points, key=lambda point: abs(point[0] - began - passed / 2))
        before, after = _per_s(self._points[0], middle), _per_s(middle, self._last)
        if abs(before - after) > _EVEN * (before + after) / 2:
            return False
        rate, tolerance = (end - first) / passed, max(_TOLERANCE, _TOLERANCE_S / passed)
        return any(abs(rate / each - 1) < tolerance for each in _RATES if each <= _MOST * sample_rate)


def _begins_at(received_at: float, captured_at: str | None) -> bool:
    if captured_at is None:
        return False
    earliest, latest = _BEGINS_S
    return earliest <= received_at - datetime.fromisoformat(captured_at).timestamp() <= latest


def _per_s(one: tuple[float, int], other: tuple[float, int]) -> float:
    return (other[1] - one[1]) / max(other[0] - one[0], 1e-3)
