"""Cuts the sound of a room into events: a gate, and the sound that it may still need."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.ingest.sample_ranges import Range
from edge_worker.signal.gate import BLOCKS_PER_S, Event, Gate, GateSettings

Int16Array = npt.NDArray[np.int16]

_REMEMBERED: Final = 8
"""Events that windows are held against."""


class EventAudio(NamedTuple):
    """An event with its sound; what never came of it is zero."""

    event: Event
    pcm: Int16Array
    """(samples, channels)"""


class EventExtractor:
    """Holds the sound of the event that goes on and of the pre-roll, never more than the longest event."""

    def __init__(self, sample_rate: int, settings: GateSettings, position: int) -> None:
        """Begin at `position`, with the next whole block."""
        self.settings = settings
        self._rate = sample_rate
        length = sample_rate // BLOCKS_PER_S
        self._position = -(-position // length) * length
        self._gate = Gate(sample_rate, settings, self._position)
        self._sound: deque[tuple[int, Int16Array]] = deque()
        self._past: deque[Range] = deque(maxlen=_REMEMBERED)

    @property
    def needed_from(self) -> int:
        """First sample that is needed for events of now or later."""
        return self._gate.earliest

    def hear(self, first_sample: int, pcm: Int16Array) -> list[EventAudio]:
        """Take sound (samples, channels); what came before is kept as sound only, what did not is silence."""
        self._sound.append((first_sample, pcm))
        found = self._gate.skip(first_sample - self._position) if first_sample > self._position else []
        fresh = pcm[max(0, self._position - first_sample) :]
        if len(fresh):
            found += self._gate.feed(_mono(fresh))
            self._position = first_sample + len(pcm)
        return self._cut(found)

    def finish(self) -> list[EventAudio]:
        """End the event that goes on."""
        return self._cut(self._gate.finish(self._position))

    def overlaps(self, start: int, end: int) -> bool:
        """Return whether an event has a part in `[start, end)`."""
        going_on = self._gate.open_start
        if going_on is not None and going_on < end:
            return True
        return any(begin < end and stop > start for begin, stop in self._past)

    def document(self) -> dict[str, Any]:
        """Return the state as JSON, for `restore`; the sound from `needed_from` on must be heard again."""
        return {"gate": self._gate.document(), "position": self._position, "past": list(self._past)}

    @classmethod
    def restore(cls, sample_rate: int, document: dict[str, Any]) -> "EventExtractor":
        """Return the cutter that `document` was made of."""
        cutter = cls(sample_rate, GateSettings(**document["gate"]["settings"]), 0)
        cutter._gate = Gate.restore(sample_rate, document["gate"])
        cutter._position = document["position"]
        cutter._past.extend((start, end) for start, end in document["past"])
        return cutter

    def _cut(self, events: Iterable[Event]) -> list[EventAudio]:
        found = [EventAudio(event, self._between(event.start, event.end)) for event in events]
        self._past.extend((event.start, event.end) for event, _ in found)
        while self._sound and self._sound[0][0] + len(self._sound[0][1]) <= self._gate.earliest:
            self._sound.popleft()
        return found

    def _between(self, start: int, end: int) -> Int16Array:
        channels = self._sound[-1][1].shape[1] if self._sound else 1
        cut = np.zeros((end - start, channels), np.int16)
        for first, pcm in self._parts(start, end):
            low, high = max(first, start), min(first + len(pcm), end)
            cut[low - start : high - start] = pcm[low - first : high - first]
        return cut

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, Int16Array]]:
        return ((first, pcm) for first, pcm in self._sound if first < end and first + len(pcm) > start)


def _mono(pcm: Int16Array) -> Int16Array:
    """Return one channel (samples,): of two, their mean, rounded down."""
    if pcm.shape[1] == 1:
        return pcm[:, 0]
    mean: Int16Array = (pcm.sum(axis=1, dtype=np.int32) >> 1).astype(np.int16)
    return mean
