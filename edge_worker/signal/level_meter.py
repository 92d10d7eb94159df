"""How loud the last seconds were, and how much of them was clipped, in blocks of a tenth of a second."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from edge_worker.signal.arrays import Float32Array, Int16Array
from edge_worker.signal.pcm import CLIPPED_PCM
from edge_worker.signal.quality import LEVEL_S

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


class LevelMeter:
    """The levels of the last ten seconds; sound is pushed in order."""

    def __init__(self, sample_rate: int, first_sample: int) -> None:
        self._length = max(1, round(sample_rate * LEVEL_S))
        self._rest: Float32Array = np.empty(0, np.float32)
        self._rest_pcm: Int16Array = np.empty((0, 1), np.int16)
        self._end = first_sample
        self._blocks: deque[_Block] = deque(maxlen=_KEPT)

    def push(self, pcm: Int16Array, mono: Float32Array) -> None:
        """Take sound (samples, channels), and the mean of its channels (samples,), -1..1."""
        self._rest_pcm = np.concatenate((self._rest_pcm, pcm)) if len(self._rest_pcm) else pcm
        self._rest = np.concatenate((self._rest, mono))
        count = len(self._rest) // self._length
        whole = count * self._length
        blocks = self._rest[:whole].reshape(count, self._length)
        # The variance: an offset of the converter is no sound.
        power = np.einsum("ij,ij->i", blocks, blocks) / self._length - np.square(blocks.mean(axis=1))
        clipped = _clipped(self._rest_pcm[:whole], count)
        self._rest, self._rest_pcm = self._rest[whole:].copy(), self._rest_pcm[whole:].copy()
        for each in zip(power.tolist(), clipped, strict=True):
            self._end += self._length
            self._blocks.append(_Block(self._end, *each))

    def between(self, start: int, end: int) -> Level:
        """Return the level of the blocks that begin at or after sample `start` and before `end`."""
        seen: list[_Block] = []
        for each in reversed(self._blocks):
            if each.end - self._length < start:
                break
            if each.end - self._length < end:
                seen.append(each)
        if not seen:
            return Level(-100.0, 0.0)
        power = max(each.power for each in seen)
        clipped = sum(each.clipped for each in seen) / len(seen)
        return Level(float(10 * np.log10(max(power, 1e-10))), clipped)


def _clipped(pcm: Int16Array, blocks: int) -> list[float]:
    """Return the fraction of samples at full scale of each block, in the worst channel."""
    if not blocks or (pcm.max() < CLIPPED_PCM and pcm.min() > -CLIPPED_PCM):  # cheap, and nearly always so
        return [0.0] * blocks
    at_full_scale = (pcm >= CLIPPED_PCM) | (pcm <= -CLIPPED_PCM)
    by_block = at_full_scale.reshape(blocks, -1, pcm.shape[1]).mean(axis=1)
    return [float(each) for each in by_block.max(axis=1)]
