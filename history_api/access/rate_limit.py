"""Rate limit per client: a token bucket each, in bounded memory."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

_MINUTE_S: Final = 60.0
_MAX_BUCKETS: Final = 10_000
"""The bucket that was unused for longest is dropped first: it is the fullest."""


class RateLimiter:
    """Token buckets that hold the requests of one minute and are refilled evenly. Safe from any thread."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, max_buckets: int = _MAX_BUCKETS
    ) -> None:
        """Allow each client `per_minute` requests a minute; 0: any number. `clock` is in seconds."""
        self._per_minute = per_minute
        self._clock = clock
        self._max_buckets = max_buckets
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: Hashable) -> float:
        """Take a token of `client` and return 0.0, or return the seconds until there is one."""
        if self._per_minute == 0:
            return 0.0
        with self._lock:
            level = self._level(client)
            is_allowed = level >= 1
            self._store(client, level - 1 if is_allowed else level)
        return 0.0 if is_allowed else (1 - level) * _MINUTE_S / self._per_minute

    def _level(self, client: Hashable) -> float:
        full = float(self._per_minute)
        level, at = self._levels.get(client, (full, 0.0))
        return min(full, level + (self._clock() - at) * self._per_minute / _MINUTE_S)

    def _store(self, client: Hashable, level: float) -> None:
        self._levels[client] = (level, self._clock())
        self._levels.move_to_end(client)
        if len(self._levels) > self._max_buckets:
            self._levels.popitem(last=False)
