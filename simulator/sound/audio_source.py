"""Where a live device gets its sound from: a file played in real time, or a microphone.

A source is iterated on a thread of its own (`simulator.command.live`), so waiting for the
next block is its business.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.sound.sound_file import Sound

BLOCK_S: Final = 0.02
"""Length of a block of a file: what a sound card hands over at once."""


@dataclass(frozen=True, slots=True)
class Block:
    """Sound that was recorded without a break."""

    samples: NDArray[np.int16]
    """(samples, channels); at least one sample."""
    lost: int = 0
    """Samples per channel that the source lost right before these: an overrun of a sound card."""


class AudioSource(Protocol):
    """Something that records; `sample_rate` and `channels` hold from the first block to the last."""

    @property
    def sample_rate(self) -> int:
        """Hz, 1,000 to 192,000."""

    @property
    def channels(self) -> int:
        """1 or 2, interleaved."""

    def __iter__(self) -> Iterator[Block]:
        """Yield blocks as they are recorded, waiting for each; ends when the sound does or after `close`.

        Raises:
            AudioError: the source stopped working; the text says what to do.
        """

    def close(self) -> None:
        """Record no more, from any thread, twice without harm; an iteration that waits ends soon."""


class FileSource:
    """A sound that is played once, or again and again, as fast as it was recorded."""

    def __init__(self, sound: Sound, *, repeat: bool = False) -> None:
        self._sound = sound
        self._repeat = repeat
        self._is_open = True

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self._sound.sample_rate

    @property
    def channels(self) -> int:
        """1 or 2."""
        return int(self._sound.pcm.shape[1])

    def __iter__(self) -> Iterator[Block]:
        """Yield blocks of `BLOCK_S`, each when its last sample would have been recorded."""
        length = max(1, round(BLOCK_S * self.sample_rate))
        due_at = time.monotonic()
        while self._is_open:
            for start in range(0, len(self._sound.pcm), length):
                samples = self._sound.pcm[start : start + length]
                due_at += len(samples) / self.sample_rate
                time.sleep(max(0.0, due_at - time.monotonic()))
                if not self._is_open:
                    return
                yield Block(samples)
            if not self._repeat:
                return

    def close(self) -> None:
        """Play no further."""
        self._is_open = False
