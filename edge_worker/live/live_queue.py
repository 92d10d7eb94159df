"""Queue from the network thread to the live analysis; what waits in it is bounded, by device and in all."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from edge_worker.analysis.fair_queue import FairQueue
from edge_worker.analysis.storing.shard_release import ShardRelease
from edge_worker.ingest.intake_event import StreamAudio, StreamEnd

MAX_WAITING_BYTES: Final = 2**25
"""Sound of streams that may wait; with more, the network thread waits, and the broker with it."""
MAX_WAITING_BYTES_OF_DEVICE: Final = 2**22
"""Sound of the streams of one device that may wait: 45 s at 44.1 kHz."""
_POLL_S: Final = 0.2
_ITEM_COST_S: Final = 0.1
"""An item takes as much time as so much sound, beside its own."""

Item = StreamAudio | StreamEnd | ShardRelease


class LiveQueue:
    """Queue with one reader. `put` belongs to the network thread, `get` to the reader."""

    def __init__(self, has_reader: Callable[[], bool]) -> None:
        """Let `put` wait only while `has_reader` returns True."""
        self._has_reader = has_reader
        self._items: FairQueue[Item] = FairQueue()
        self._has_room = threading.Condition()
        self._waiting_bytes: Counter[str] = Counter()
        """By device."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of sound that wait."""
        return self._waiting_bytes.total()

    def has_room(self, device_id: str) -> bool:
        """Return whether more sound of a device may wait."""
        return self._waiting_bytes[device_id] <= MAX_WAITING_BYTES_OF_DEVICE

    def put(self, item: StreamAudio | StreamEnd) -> None:
        """Queue sound or the end of a stream; wait while too much sound waits."""
        stream, size = item.stream, len(item.body) if isinstance(item, StreamAudio) else 0
        with self._has_room:
            while self.waiting_bytes > MAX_WAITING_BYTES and self._has_reader():
                self._has_room.wait(_POLL_S)
            self._waiting_bytes[stream.device_id] += size
        sound_s = size / max(1, stream.bytes_per_sample * stream.sample_rate)
        self._items.put(stream.device_id, sound_s + _ITEM_COST_S, item)

    def wake(self) -> None:
        """Let `get` return at once."""
        self._items.wake()

    def release(self, release: ShardRelease) -> None:
        """Take what waits of shards out of the queue, and queue the release."""
        taken = self._items.take(
            lambda item: not isinstance(item, ShardRelease) and release.shards.holds(item.stream.device_id)
        )
        for item in taken:
            self._forget(item)
        self._items.put_first(release)

    def get(self, timeout_s: float) -> Item:
        """Return the next item.

        Raises:
            queue.Empty: none arrived within `timeout_s` seconds, or `wake` was called.
        """
        item = self._items.get(timeout_s)
        self._forget(item)
        return item

    def _forget(self, item: Item) -> None:
        """Note that the sound of an item waits no longer."""
        if isinstance(item, StreamAudio):
            device_id = item.stream.device_id
            with self._has_room:
                self._waiting_bytes[device_id] -= len(item.body)
                if not self._waiting_bytes[device_id]:
                    del self._waiting_bytes[device_id]
                self._has_room.notify()
