"""Level meter: level and clipping of the last ten seconds of a stream, in blocks of 100 ms."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from edge_worker.signal.arrays import Float32Array, Int16Array
from edge_worker.signal.pcm import CLIPPED_PCM
from edge_worker.signal.quality import LEVEL_S

_MAX_BLOCKS: Final = 100
"""Ten seconds: longer than any window."""


class Level(NamedTuple):
    """Level and clipping of a section of audio."""

    loudest_db: float
    """Level of the loudest block, dB re full scale."""
    clipped: float
    """Fraction of samples at full scale, 0..1; of several channels, the worst."""


class _Block(NamedTuple):
    end: int
    power: float
    clipped: float


class LevelMeter:
    """Level and clipping of the last ten seconds of one stream; audio is pushed in order."""

    def __init__(self, sample_rate: int, first_sample: int, *, has_power: bool = True) -> None:
        """Begin at `first_sample`; without `has_power` only clipping is measured, in half the time."""
        self._has_power = has_power
        self._block_length = max(1, round(sample_rate * LEVEL_S))
        self._pending: Float32Array = np.empty(0, np.float32)
        self._pending_pcm: Int16Array = np.empty((0, 1), np.int16)
        self._end = first_sample
        self._blocks: deque[_Block] = deque(maxlen=_MAX_BLOCKS)

    def push(self, pcm: Int16Array, mono: Float32Array) -> None:
        """Process PCM (samples, channels) and the mean of its channels (samples,), -1..1."""
        self._pending_pcm = np.concatenate((self._pending_pcm, pcm)) if len(self._pending_pcm) else pcm
        count = len(self._pending_pcm) // self._block_length
        whole = count * self._block_length
        power = self._powers(mono, count) if self._has_power else [0.0] * count
        clipped = _clipped(self._pending_pcm[:whole], count)
        self._pending_pcm = self._pending_pcm[whole:].copy()
        for each in zip(power, clipped, strict=True):
            self._end += self._block_length
            self._blocks.append(_Block(self._end, *each))

    def _powers(self, mono: Float32Array, count: int) -> list[float]:
        """Return the power of the next `count` blocks, which end in new samples (samples,)."""
        pending, whole = np.concatenate((self._pending, mono)), count * self._block_length
        self._pending = pending[whole:].copy()
        blocks = pending[:whole].reshape(count, self._block_length)
        # Variance, not mean square: a DC offset of the converter is not sound.
        power = np.einsum("ij,ij->i", blocks, blocks) / self._block_length - np.square(blocks.mean(axis=1))
        powers: list[float] = power.tolist()
        return powers

    def between(self, start: int, end: int) -> Level:
        """Return the level of the blocks that begin in the samples `[start, end)`."""
        chosen: list[_Block] = []
        for each in reversed(self._blocks):
            if each.end - self._block_length < start:
                break
            if each.end - self._block_length < end:
                chosen.append(each)
        if not chosen:
            return Level(-100.0, 0.0)
        power = max(each.power for each in chosen)
        clipped = sum(each.clipped for each in chosen) / len(chosen)
        return Level(float(10 * np.log10(max(power, 1e-10))), clipped)


def _clipped(pcm: Int16Array, blocks: int) -> list[float]:
    """Return the fraction of samples at full scale in each block, of the worst channel."""
    if not blocks or (pcm.max() < CLIPPED_PCM and pcm.min() > -CLIPPED_PCM):  # cheap, and nearly always true
        return [0.0] * blocks
    at_full_scale = (pcm >= CLIPPED_PCM) | (pcm <= -CLIPPED_PCM)
    by_block = at_full_scale.reshape(blocks, -1, pcm.shape[1]).mean(axis=1)
    return [float(each) for each in by_block.max(axis=1)]
