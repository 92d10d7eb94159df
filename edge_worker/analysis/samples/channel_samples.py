"""Samples of one channel, with what several checks of them need, each computed once."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array, Int16Array

BLOCK: Final = 16_384
_ONES: Final = np.ones(BLOCK + 2, np.float32)
_IN_TURNS: Final = np.tile(np.array([-1, 1], np.float32), BLOCK // 2)

FloatArray = npt.NDArray[np.floating]


class ChannelSamples:
    """Samples of one channel, contiguous.

    Checks go over them in blocks: large temporary arrays cost more than what is done with them.
    """

    def __init__(self, pcm: Int16Array) -> None:
        self.pcm = np.ascontiguousarray(pcm)

    def __len__(self) -> int:
        return len(self.pcm)

    def blocks(self) -> Iterator[Float32Array]:
        """Yield `centred` in blocks, each with the last two samples of the one before."""
        for start in range(0, len(self) - 2, BLOCK):
            yield self.centred[start : start + BLOCK + 2]

    @cached_property
    def centred(self) -> Float32Array:
        """Samples less their mean: float32 is exact enough only around zero."""
        values = self.pcm.astype(np.float32)
        values -= np.float32(_weighted_sum(values, _ONES[:BLOCK]) / len(self))
        return values

    @property
    def mean_square(self) -> float:
        """Mean square of the samples as they are."""
        return self.variance + (float(self.pcm[0]) - float(self.centred[0])) ** 2

    @cached_property
    def offset_between(self) -> float:
        """How much higher odd samples are than the even ones around them, on average."""
        pairs = (len(self) - 1) // 2
        outer = float(self.centred[2 * pairs]) - float(self.centred[0])
        return (_weighted_sum(self.centred[: 2 * pairs], _IN_TURNS) - outer / 2) / pairs

    @cached_property
    def _products(self) -> tuple[float, float, float]:
        return _lagged_products(self.centred)

    @property
    def bend(self) -> float:
        """`bend` of all samples."""
        return _bend(*self._products)

    @cached_property
    def lowest(self) -> int:
        """The smallest sample."""
        return int(self.pcm.min())

    @cached_property
    def highest(self) -> int:
        """The largest sample."""
        return int(self.pcm.max())

    @property
    def variance(self) -> float:
        """Mean square of `centred`."""
        return self._products[0] / max(1, len(self))

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.variance))

    @property
    def roughness(self) -> float:
        """`roughness` of all samples."""
        return _roughness(self._products[1], self.variance, len(self))


def roughness(values: Int16Array | FloatArray) -> float:
    """Return the mean squared step over twice the variance: 1 in white noise, under 0.1 in most sound."""
    centred = values.astype(np.float32)
    centred -= centred.mean()
    return _roughness(float(np.dot(centred[1:], centred[:-1])), mean_square(centred), len(centred))


def bend(centred: Float32Array) -> float:
    """Return the most that samples may be off the mean of both neighbours: mean square, over theirs.

    Three products cost a tenth of an array of what they are off; edges are left out, which makes it larger.
    """
    return _bend(*_lagged_products(centred))


def mean_of(values: Float32Array) -> np.float32:
    """Return the mean of a block of at most `BLOCK` + 2 values."""
    mean: np.float32 = np.dot(values, _ONES[: len(values)]) / np.float32(len(values))
    return mean


def mean_square(values: Float32Array) -> float:
    """Return the mean of the squares."""
    return float(np.dot(values, values)) / max(1, len(values))


def _lagged_products(centred: Float32Array) -> tuple[float, float, float]:
    """Return the sums of the products of samples with themselves, the next ones and those one further."""
    count = len(centred)
    same, next_one, one_further = (float(np.dot(centred[lag:], centred[: count - lag])) for lag in range(3))
    return same, next_one, one_further


def _bend(same: float, next_one: float, one_further: float) -> float:
    return max(0.0, 1.5 * same - 2 * next_one + 0.5 * one_further) / max(same, 1e-9)


def _roughness(next_one: float, variance: float, count: int) -> float:
    # The mean product of neighbours needs no array of steps.
    return 1 - next_one / max(1, count - 1) / max(variance, 1e-9)


def _weighted_sum(values: Float32Array, weights: Float32Array) -> float:
    """Return the sum of values times weights that come again in each block: numpy's own sums take longer."""
    whole = len(values) // BLOCK * BLOCK
    rest = np.dot(values[whole:], weights[: len(values) - whole])
    return float((values[:whole].reshape(-1, BLOCK) @ weights).sum(dtype=np.float64) + rest)
