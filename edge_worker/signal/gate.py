"""Audio gate that divides a stream into events by its level, in blocks of 10 ms.

Integer exact, so that the firmware gives the same events. Normative: `docs/protocol.md` § Gate; pinned for
Python and C++ by `tests/vectors/gate.json`.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from edge_worker.signal.arrays import Int16Array
from edge_worker.signal.pcm import FULL_SCALE

Reason = Literal["quiet", "limit", "end"]

BLOCKS_PER_S: Final = 100


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Conditions that begin and end an event; all but the threshold in blocks of 10 ms."""

    threshold: float = 0.02
    """RMS from which a block is loud, as a fraction of full scale."""
    attack: int = 2
    """Successive loud blocks that open the gate."""
    hold: int = 50
    """Blocks that the gate stays open at least, from the first loud one."""
    release: int = 30
    """Successive quiet blocks that close the gate."""
    pre_roll: int = 20
    """Blocks before the first loud one that belong to the event."""
    max: int = 1000
    """Blocks after which the gate closes in any case, from the first loud one."""


class Event(NamedTuple):
    """Samples `[start, end)` during which the gate was open, and the reason for closing."""

    start: int
    end: int
    reason: Reason


class Gate:
    """Gate over one stream of mono PCM, fed in order and without gaps; `skip` stands for silence."""

    def __init__(self, sample_rate: int, settings: GateSettings, position: int = 0) -> None:
        """Start closed at sample `position`, a multiple of a block, of audio at `sample_rate` Hz."""
        self._settings = settings
        self._block_length = sample_rate // BLOCKS_PER_S
        self._min_energy = self._block_length * round(settings.threshold * FULL_SCALE) ** 2
        self._rest: Int16Array = np.empty(0, np.int16)
        self._block = position // self._block_length
        self._loud = 0
        self._quiet = 0
        self._first: int | None = None
        self._start = 0
        self._last_end = 0

    @property
    def open_start(self) -> int | None:
        """First sample of the open event; None while the gate is closed."""
        return None if self._first is None else self._start

    @property
    def earliest(self) -> int:
        """Earliest first sample of an open or later event; audio before it is no longer needed."""
        if self._first is not None:
            return self._start
        return max(0, (self._block - self._settings.attack - self._settings.pre_roll) * self._block_length)

    def feed(self, samples: Int16Array) -> list[Event]:
        """Process mono PCM (samples,) and return the events that ended in it."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // self._block_length * self._block_length
        self._rest = joined[whole:].copy()
        blocks = joined[:whole].reshape(-1, self._block_length).astype(np.int64)
        loud = (blocks * blocks).sum(axis=1) >= self._min_energy
        return [event for is_loud in loud.tolist() for event in self._step(is_loud)]

    def skip(self, samples: int) -> list[Event]:
        """Process any number of samples that did not arrive as silence; return the events that ended."""
        least = (self._settings.max + self._settings.hold + self._settings.release) * self._block_length
        fed = samples if samples < 2 * least else least + (samples - least) % self._block_length
        events = self.feed(np.zeros(fed, np.int16))
        self._block += (samples - fed) // self._block_length
        return events

    def finish(self, end: int) -> list[Event]:
        """Close the open event at sample `end`, the end of the stream."""
        if self._first is None:
            return []
        self._first = None
        return [Event(self._start, end, "end")]

    def document(self) -> dict[str, Any]:
        """Return the state as a JSON object, for `restore`."""
        return {
            "settings": asdict(self._settings),
            "rest": self._rest.tolist(),
            "numbers": [self._block, self._loud, self._quiet, self._first, self._start, self._last_end],
        }

    @classmethod
    def restore(cls, sample_rate: int, document: dict[str, Any]) -> "Gate":
        """Return the gate whose state `document` holds."""
        gate = cls(sample_rate, GateSettings(**document["settings"]))
        gate._rest = np.array(document["rest"], dtype=np.int16)
        gate._block, gate._loud, gate._quiet, gate._first, gate._start, gate._last_end = document["numbers"]
        return gate

    def _step(self, is_loud: bool) -> Iterator[Event]:
        """Process one block; yield the event that ends with it."""
        self._block += 1
        self._loud = self._loud + 1 if is_loud else 0
        self._quiet = 0 if is_loud else self._quiet + 1
        if self._first is None:
            if self._loud >= self._settings.attack:
                self._open()
            else:
                return
        reason = self._reason_to_close()
        if reason is not None:
            end = self._block * self._block_length
            yield Event(self._start, end, reason)
            self._first, self._last_end, self._loud = None, end, 0

    def _open(self) -> None:
        self._first = self._block - self._loud
        start = (self._first - self._settings.pre_roll) * self._block_length
        self._start = max(0, self._last_end, start)

    def _reason_to_close(self) -> Reason | None:
        settings = self._settings
        age = self._block - (self._first or 0)
        if age >= settings.hold and self._quiet >= settings.release:
            return "quiet"
        return "limit" if age >= settings.max else None
