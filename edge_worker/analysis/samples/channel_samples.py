"""Samples of one channel, with what several checks of them need, each computed once."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array, Int16Array

BLOCK: Final = 16_384

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
        values -= values.mean()
        return values

    @cached_property
    def variance(self) -> float:
        """Mean square of `centred`."""
        return mean_square(self.centred)

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.variance))

    @property
    def roughness(self) -> float:
        """`roughness` of all samples."""
        return _roughness(self.centred, self.variance)


def roughness(values: Int16Array | FloatArray) -> float:
    """Return the mean squared step over twice the variance: 1 in white noise, under 0.1 in most sound."""
    centred = values.astype(np.float32)
    centred -= centred.mean()
    return _roughness(centred, mean_square(centred))


def mean_square(values: Float32Array) -> float:
    """Return the mean of the squares."""
    return float(np.dot(values, values)) / max(1, len(values))


def _roughness(centred: Float32Array, variance: float) -> float:
    # The mean product of neighbours needs no array of steps.
    return 1 - float(np.dot(centred[1:], centred[:-1])) / max(1, len(centred) - 1) / max(variance, 1e-9)
