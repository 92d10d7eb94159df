"""How loud the last seconds were, and how much of them was clipped, in blocks of a tenth of a second."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.features import CLIPPED_PCM, FULL_SCALE
from edge_worker.quality import LEVEL_S

Int16Array = npt.NDArray[np.int16]

_KEPT: Final = 100
"""Blocks: ten seconds, more than any window."""


class Level(NamedTuple):
    """What is known of a stretch of sound."""

    loudest_db: float
    """Level of its loudest tenth of a second, dB re full scale."""
    clipped: float
    """Fraction of samples at full scale, 0..1; of several channels, in the worst."""


class _Block(NamedTuple):
    end: int
    power: float
    clipped: float


class Levels:
    """The levels of the last ten seconds; sound is pushed in order."""

    def __init__(self, sample_rate: int, first_sample: int) -> None:
        self._length = max(1, round(sample_rate * LEVEL_S))
        self._rest: Int16Array | None = None
        self._end = first_sample
        self._blocks: deque[_Block] = deque(maxlen=_KEPT)

    def push(self, pcm: Int16Array) -> None:
        """Take int16 sound (samples, channels)."""
        joined = pcm if self._rest is None else np.concatenate((self._rest, pcm))
        count = len(joined) // self._length
        blocks = joined[: count * self._length].reshape(count, self._length, joined.shape[1])
        self._rest = joined[count * self._length :].copy()
        # The variance: an offset of the converter is no sound.
        power = blocks.mean(axis=2, dtype=np.float32).var(axis=1) / FULL_SCALE**2
        clipped = (np.abs(blocks.astype(np.int32)) >= CLIPPED_PCM).mean(axis=1).max(axis=1, initial=0.0)
        for each in zip(power.tolist(), clipped.tolist(), strict=True):
            self._end += self._length
            self._blocks.append(_Block(self._end, *each))

    def between(self, start: int, end: int) -> Level:
        """Return the level of the blocks that begin at or after sample `start` and before `end`."""
        seen = [each for each in self._blocks if start <= each.end - self._length < end]
        if not seen:
            return Level(-100.0, 0.0)
        power = max(each.power for each in seen)
        clipped = sum(each.clipped for each in seen) / len(seen)
        return Level(float(10 * np.log10(max(power, 1e-10))), clipped)
