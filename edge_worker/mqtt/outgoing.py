"""Items that other threads hand to the network thread, which deals with each according to its kind."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)


class Outgoing:
    """A queue of items of several kinds. `post` is safe from any thread; the network thread drains it."""

    def __init__(self, wake: Callable[[], None], wake_soon: Callable[[], None]) -> None:
        """Call `wake_soon` with each new item, `wake` with one that somebody waits for."""
        self._wake, self._wake_soon = wake, wake_soon
        self._items: SimpleQueue[object] = SimpleQueue()
        self.handlers: dict[type, Callable[[Any], None]] = {}
        """By the kind of an item: what is done with it."""

    def post(self, item: object) -> None:
        """Hand `item` to the network thread; called on the others."""
        self._items.put(item)
        self._wake_soon()

    def post_at_once(self, item: object) -> None:
        """Hand `item` over that must not wait for messages to come together; called on the others."""
        self._items.put(item)
        self._wake()

    def drain(self) -> None:
        """Deal with all items that wait."""
        while True:
            try:
                item = self._items.get_nowait()
            except Empty:
                return
            try:
                self.handlers[type(item)](item)
            except Exception:  # one item must not keep the others from leaving, at this start and the next
                _LOG.exception(line("failed", item=type(item).__name__))
