"""Open recordings or streams, and how many of them each device has."""

from collections import Counter
from typing import TypeVar

from edge_worker.ingest.recording import IncomingAudio, RecordingKey

A = TypeVar("A", bound=IncomingAudio)


class OpenAudio(dict[RecordingKey, A]):
    """Open recordings or streams by key; only `add` and `remove` change it. Used by the network thread."""

    def __init__(self) -> None:
        super().__init__()
        self.of_device: Counter[str] = Counter()
        """Number of those of each device that has any."""

    def add(self, audio: A) -> None:
        """Open one, unless it is open already."""
        key = audio.key
        if key not in self:
            self.of_device[audio.device_id] += 1
        self[key] = audio

    def remove(self, key: RecordingKey) -> None:
        """Close one, if it is open."""
        if self.pop(key, None) is None:
            return
        device_id = key[0]
        self.of_device[device_id] -= 1
        if not self.of_device[device_id]:
            del self.of_device[device_id]
