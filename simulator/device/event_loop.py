"""Event loop for many sockets and timers on one thread.

paho's own threads would cost one thread a device, and die silently of an exception in a callback. Here one
selector drives every socket, and what a callback raises reaches the caller of `EventLoop.run_once`.
"""

import heapq
import selectors
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final

_TICK_S: Final = 0.1


class EventLoop:
    """A selector and a heap of timers."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def run_once(self, timeout_s: float) -> None:
        """Wait for an event, at most `timeout_s`, and call what waits for it.

        Raises:
            BrokerError: the broker refuses an account.
        """
        wait_s = self._timers[0][0] - time.monotonic() if self._timers else timeout_s
        for key, events in self._selector.select(max(0.0, min(wait_s, timeout_s))):
            key.data(events)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def run_until(self, is_done: Callable[[], bool], within_s: float) -> bool:
        """Run until `is_done`, at most `within_s`; return whether it is.

        Raises:
            BrokerError: the broker refuses an account.
        """
        deadline = time.monotonic() + within_s
        while not is_done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self.run_once(min(left_s, _TICK_S))
        return True

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Have `run_once` call `call` once, at `when` of the monotonic clock."""
        heapq.heappush(self._timers, (when, next(self._order), call))

    def watch_socket(self, connection: Any, events: int, call: Callable[[int], None]) -> None:  # noqa: ANN401 - a socket of paho
        """Call `call` with the events of a socket; with no `events` stop watching it."""
        watched = self._selector.get_map()
        if (
            watched is None
        ):  # closed; a connection that was abandoned is collected later and closes its socket then
            return
        known = watched.get(connection)
        if known is None:
            if events:
                self._selector.register(connection, events, call)
        elif not events:
            self._selector.unregister(connection)
        elif events != known.events:
            self._selector.modify(connection, events, call)

    def close(self, within_s: float = 1.0) -> None:
        """Wait at most `within_s` for connections that are closing, and abandon the rest."""
        deadline = time.monotonic() + within_s
        while self._selector.get_map() and time.monotonic() < deadline:
            self.run_once(within_s / 10)
        self._selector.close()
