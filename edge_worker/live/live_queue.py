"""Queue from the network thread to the live analysis; back pressure bounds the sound that waits in it."""

import queue
import threading
from collections.abc import Callable
from typing import Final

from edge_worker.ingest.intake_event import StreamAudio, StreamEnd
from edge_worker.live.recording_preview import RecordingPreview

MAX_WAITING_BYTES: Final = 2**25
"""Sound of streams that may wait; with more, the network thread waits, and the broker with it."""
MAX_WAITING_ITEMS_FOR_PREVIEW: Final = 64
"""With more items that wait, no preview is queued."""
_POLL_S: Final = 0.2

Item = StreamAudio | StreamEnd | RecordingPreview


class LiveQueue:
    """Queue with one reader. `put` and `put_preview` belong to the network thread, `get` to the reader."""

    def __init__(self, has_reader: Callable[[], bool]) -> None:
        """Let `put` wait only while `has_reader` returns True."""
        self._has_reader = has_reader
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._has_room = threading.Condition()
        self.waiting_bytes = 0

    def __len__(self) -> int:
        return self._items.qsize()

    def put(self, item: StreamAudio | StreamEnd) -> None:
        """Queue sound or the end of a stream; wait while too much sound waits."""
        size = len(item.body) if isinstance(item, StreamAudio) else 0
        with self._has_room:
            while self.waiting_bytes > MAX_WAITING_BYTES and self._has_reader():
                self._has_room.wait(_POLL_S)
            self.waiting_bytes += size
        self._items.put(item)

    def put_preview(self, preview: RecordingPreview) -> None:
        """Queue a preview, unless much waits already."""
        if len(self) < MAX_WAITING_ITEMS_FOR_PREVIEW:
            self._items.put(preview)

    def get(self, timeout_s: float) -> Item:
        """Return the next item.

        Raises:
            queue.Empty: none arrived within `timeout_s` seconds.
        """
        item = self._items.get(timeout=timeout_s)
        if isinstance(item, StreamAudio):
            with self._has_room:
                self.waiting_bytes -= len(item.body)
                self._has_room.notify()
        return item
