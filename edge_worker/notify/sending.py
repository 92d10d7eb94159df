"""Sending: a thread for each message, one message at a time for each receiver.

A receiver that does not answer takes its own time, and nobody else's.
"""

import queue
import random
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from edge_worker.notify import receiver
from edge_worker.notify.message import Message
from edge_worker.notify.notice_queue import Delivery

LONGEST_WAIT_S: Final = 300.0
"""Between two attempts."""
_FIRST_WAIT_S: Final = 2.0
_MAX_DOUBLINGS: Final = 8


class Sent(NamedTuple):
    """A message that a receiver took, or why it did not."""

    delivery: Delivery
    error: str


class Sending:
    """The messages that are on their way; `start` and `finished` are called on one thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called, on any thread, when there is something in `finished`."""
        self._wake = wake
        self._finished: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self._busy: set[str] = set()

    @property
    def busy(self) -> frozenset[str]:
        """Receivers that a message is on its way to."""
        return frozenset(self._busy)

    def start(self, delivery: Delivery, url: str, message: Message) -> None:
        """Send a message to a receiver that is not busy."""
        self._busy.add(delivery.receiver)
        threading.Thread(
            target=self._send, args=(delivery, url, message), name=f"send-{delivery.notice}", daemon=True
        ).start()

    def finished(self) -> list[Sent]:
        """Return what has ended since the last call."""
        found = []
        while not self._finished.empty():
            found.append(self._finished.get())
            self._busy.discard(found[-1].delivery.receiver)
        return found

    def give_back(self, sent: list[Sent]) -> None:
        """Return what could not be noted: `finished` has it again."""
        for each in sent:
            self._busy.add(each.delivery.receiver)
            self._finished.put(each)

    def _send(self, delivery: Delivery, url: str, message: Message) -> None:
        self._finished.put(Sent(delivery, receiver.send(url, message)))
        self._wake()


def wait_s(attempts: int) -> float:
    """Return how long to wait after so many failed attempts."""
    wait = min(LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempts, _MAX_DOUBLINGS))
    return wait * random.uniform(0.75, 1.0)  # noqa: S311 - so that receivers are not asked all at once
