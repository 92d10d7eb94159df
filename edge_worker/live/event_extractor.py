"""Extractor of sound events from a stream: the gate finds them, and their sound is cut out."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.ingest.sample_ranges import Range
from edge_worker.signal.gate import BLOCKS_PER_S, Event, Gate, GateSettings

Int16Array = npt.NDArray[np.int16]

_REMEMBERED: Final = 8
"""Past events that a window may still overlap."""


class EventAudio(NamedTuple):
    """An event with its sound; samples that did not arrive are zero."""

    event: Event
    pcm: Int16Array
    """(samples, channels)"""


class EventExtractor:
    """Gate of one stream, with the sound of the open event and of the pre-roll: at most the longest event."""

    def __init__(self, sample_rate: int, settings: GateSettings, position: int) -> None:
        """Begin with the first whole block at or after sample `position`."""
        self.settings = settings
        self._rate = sample_rate
        block = sample_rate // BLOCKS_PER_S
        self._position = -(-position // block) * block
        self._gate = Gate(sample_rate, settings, self._position)
        self._sound: deque[tuple[int, Int16Array]] = deque()
        self._past: deque[Range] = deque(maxlen=_REMEMBERED)

    @property
    def needed_from(self) -> int:
        """First sample that the open event, or a later one, may need."""
        return self._gate.earliest

    def process(self, first_sample: int, pcm: Int16Array) -> list[EventAudio]:
        """Process sound (samples, channels); return the events that ended in it.

        Sound before the position of the gate is held, but not gated again; a gap counts as silence.
        """
        self._sound.append((first_sample, pcm))
        events = self._gate.skip(first_sample - self._position) if first_sample > self._position else []
        fresh = pcm[max(0, self._position - first_sample) :]
        if len(fresh):
            events += self._gate.feed(_mono(fresh))
            self._position = first_sample + len(pcm)
        return self._cut(events)

    def finish(self) -> list[EventAudio]:
        """End the open event, if there is one; return it."""
        return self._cut(self._gate.finish(self._position))

    def overlaps(self, start: int, end: int) -> bool:
        """Return whether an event overlaps samples `[start, end)`."""
        open_start = self._gate.open_start
        if open_start is not None and open_start < end:
            return True
        return any(begin < end and stop > start for begin, stop in self._past)

    def document(self) -> dict[str, Any]:
        """Return the state as JSON, for `restore`; sound from `needed_from` on must be processed again."""
        return {"gate": self._gate.document(), "position": self._position, "past": list(self._past)}

    @classmethod
    def restore(cls, sample_rate: int, document: dict[str, Any]) -> "EventExtractor":
        """Return the extractor whose state is `document`."""
        extractor = cls(sample_rate, GateSettings(**document["gate"]["settings"]), 0)
        extractor._gate = Gate.restore(sample_rate, document["gate"])
        extractor._position = document["position"]
        extractor._past.extend((start, end) for start, end in document["past"])
        return extractor

    def _cut(self, events: Iterable[Event]) -> list[EventAudio]:
        cut = [EventAudio(event, self._pcm(event.start, event.end)) for event in events]
        self._past.extend((event.start, event.end) for event, _ in cut)
        while self._sound and self._sound[0][0] + len(self._sound[0][1]) <= self._gate.earliest:
            self._sound.popleft()
        return cut

    def _pcm(self, start: int, end: int) -> Int16Array:
        channels = self._sound[-1][1].shape[1] if self._sound else 1
        pcm = np.zeros((end - start, channels), np.int16)
        for first, part in self._parts(start, end):
            low, high = max(first, start), min(first + len(part), end)
            pcm[low - start : high - start] = part[low - first : high - first]
        return pcm

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, Int16Array]]:
        return ((first, pcm) for first, pcm in self._sound if first < end and first + len(pcm) > start)


def _mono(pcm: Int16Array) -> Int16Array:
    """Return one channel (samples,): the mean of two, rounded down."""
    if pcm.shape[1] == 1:
        return pcm[:, 0]
    mean: Int16Array = (pcm.sum(axis=1, dtype=np.int32) >> 1).astype(np.int16)
    return mean
