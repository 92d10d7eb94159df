"""How often somebody may ask: a token bucket each, in bounded memory."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

_MINUTE_S: Final = 60.0
_MOST: Final = 10_000
"""Buckets kept. The one that was longest not asked for goes first: it is the fullest."""


class RateLimiter:
    """A minute's worth of requests for everybody, which fills again evenly. Safe from any thread."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, most: int = _MOST
    ) -> None:
        """Let everybody ask `per_minute` times a minute; 0: as often as they like."""
        self._per_minute = per_minute
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: Hashable) -> float:
        """Return 0.0 and count a request, or the seconds until `who` may ask again."""
        if self._per_minute == 0:
            return 0.0
        with self._lock:
            level = self._filled(who)
            is_allowed = level >= 1
            self._keep(who, level - 1 if is_allowed else level)
        return 0.0 if is_allowed else (1 - level) * _MINUTE_S / self._per_minute

    def _filled(self, who: Hashable) -> float:
        full = float(self._per_minute)
        level, at = self._levels.get(who, (full, 0.0))
        return min(full, level + (self._clock() - at) * self._per_minute / _MINUTE_S)

    def _keep(self, who: Hashable, level: float) -> None:
        self._levels[who] = (level, self._clock())
        self._levels.move_to_end(who)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
