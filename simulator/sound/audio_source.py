"""Interface of the sound sources of a live device, and the source that plays a file in real time.

A source is iterated on a thread of its own (`simulator.device.live_session`), so it may block until the next
block is recorded.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.sound.sound_file import Sound

BLOCK_S: Final = 0.02
"""Length of a block of a file, as sound cards deliver them, seconds."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive samples."""

    samples: NDArray[np.int16]
    """Shape (samples, channels), at least one sample."""
    lost: int = 0
    """Samples per channel that the source lost right before these, as in an overrun of a sound card."""


class AudioSource(Protocol):
    """Source of audio blocks, all of the same `sample_rate` and `channels`."""

    @property
    def sample_rate(self) -> int:
        """Hz, 1,000 to 192,000."""

    @property
    def channels(self) -> int:
        """1 or 2, interleaved."""

    def __iter__(self) -> Iterator[Block]:
        """Yield blocks as they are recorded, waiting for each; ends when the sound does or after `close`.

        Raises:
            AudioError: the source stopped working.
        """

    def close(self) -> None:
        """Stop recording; safe from any thread and more than once. A blocked iteration ends soon."""


class FileSource:
    """Sound that is played in real time, once or repeatedly."""

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
        """Stop playing."""
        self._is_open = False
