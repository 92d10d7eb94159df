"""Events that wait for the client of one stream: bounded in number and in bytes, the oldest is dropped."""

import threading
from collections import deque
from typing import Final, NamedTuple

from history_api.live.event import Event

_MOST_EVENTS: Final = 500
_MOST_BYTES: Final = 1 << 20
"""A chunk of a low rate has thousands of values: a number alone bounds nothing."""


class WaitingEvent(NamedTuple):
    """An event as text of the stream."""

    kind: str
    text: str


class EventBacklog:
    """A queue between the thread of the MQTT session and the one that sends; events are kept as text."""

    def __init__(self, most_events: int = _MOST_EVENTS, most_bytes: int = _MOST_BYTES) -> None:
        self._most_events, self._most_bytes = most_events, most_bytes
        self._waiting: deque[WaitingEvent] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Add an event; drop the oldest ones where there are too many, or it where it alone is too large."""
        waiting = WaitingEvent(event.kind, event.encode())
        with self._changed:
            self._waiting.append(waiting)
            self._bytes += len(waiting.text)
            while len(self._waiting) > self._most_events or self._bytes > self._most_bytes:
                self._take()
            self._changed.notify()

    def get(self, timeout_s: float) -> WaitingEvent | None:
        """Return the oldest event; None where there is none within `timeout_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout_s)
            return self._take() if self._waiting else None

    def _take(self) -> WaitingEvent:
        oldest = self._waiting.popleft()
        self._bytes -= len(oldest.text)
        return oldest
