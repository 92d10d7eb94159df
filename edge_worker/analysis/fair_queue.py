"""Queue in which devices take turns: one that queues much waits behind those that queue little.

Start-time fair queueing (P. Goyal, H. M. Vin and H. Cheng, IEEE/ACM Trans. Networking 5(5), 1997): each item
begins, in virtual time, where the last one of its device ends. The item that begins first is served next.
"""

import queue
import threading
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Queue of items of many devices. Safe from any thread."""

    def __init__(self) -> None:
        self._items: list[tuple[float, int, T]] = []
        """A heap: virtual time at which an item begins, its number, and the item."""
        self._numbers = count()
        self._ends: dict[str, float] = {}
        """By device: the virtual time at which its last item ends."""
        self._time = 0.0
        """Virtual time at which the item that was served last began."""
        self._lock = threading.Lock()
        self._signals: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """True for each item, also of those taken out; False to wake.

        To wait here costs a third of what a condition takes.
        """

    def __len__(self) -> int:
        return len(self._items)

    def put(self, device_id: str, cost: float, item: T) -> None:
        """Queue an item that takes so much of what the devices share. Items of a device stay in order."""
        with self._lock:
            begin = max(self._time, self._ends.get(device_id, 0.0))
            self._ends[device_id] = begin + cost
            heappush(self._items, (begin, next(self._numbers), item))
        self._signals.put(True)

    def wake(self) -> None:
        """Let `get` return at once, now or the next time, as if its time were over."""
        self._signals.put(False)

    def put_first(self, item: T) -> None:
        """Queue an item of no device before all others but those that were put first."""
        with self._lock:
            heappush(self._items, (self._time, next(self._numbers), item))
        self._signals.put(True)

    def put_last(self, item: T) -> None:
        """Queue an item of no device behind all that wait now."""
        with self._lock:
            last = max((begin for begin, *_ in self._items), default=self._time)
            heappush(self._items, (last, next(self._numbers), item))
        self._signals.put(True)

    def take(self, is_wanted: Callable[[T], bool]) -> list[T]:
        """Take items out of the queue; return them in order."""
        with self._lock:
            taken = [item for *_, item in sorted(self._items, key=lambda each: each[:2]) if is_wanted(item)]
            self._items = [each for each in self._items if not is_wanted(each[2])]
            heapify(self._items)
            return taken

    def get(self, timeout_s: float) -> T:
        """Return the next item.

        Raises:
            queue.Empty: there was none within `timeout_s` seconds, or `wake` was called.
        """
        if not self._signals.get(timeout=timeout_s):
            raise queue.Empty
        with self._lock:
            if not self._items:  # its item was taken out
                raise queue.Empty
            self._time, _, item = heappop(self._items)
            if not self._items:
                self._ends.clear()
            return item
