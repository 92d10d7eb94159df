"""Block edges: whether sound jumps at every n-th sample, where blocks of it are missing or out of order."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.analysis.samples.channel_samples import BLOCK, ChannelSamples, mean_of
from edge_worker.signal.arrays import Int16Array

_JUMP: Final = 6.0
"""Bend of a jump, over the mean one of its surroundings."""
_ALONE: Final = 12
"""Samples around a jump in which there is no other: what a microphone hears rings."""
_WIDEST: Final = 2
"""Samples between the first and the last bend of one jump."""
_OFF: Final = 1
"""Samples by which the middle of a jump may be off."""
_MIN_JUMPS: Final = 16
_MOST_JUMPS: Final = 400
_MIN_BLOCK: Final = 32
_FREQUENT: Final = 6
"""Distances between jumps that are tried."""
_ON_EDGES: Final = 0.85
"""Fraction of jumps that are on edges of blocks. In step with the mains 0.7 were, with a voice 0.8."""


def has_block_edges(samples: ChannelSamples) -> bool:
    """Return whether nearly all jumps, or ends of silences, are a multiple of the same distance apart."""
    return _are_on_edges(_silences(samples.pcm)) or _are_on_edges(_jumps(samples))


def _are_on_edges(places: npt.NDArray[np.intp]) -> bool:
    if len(places) < _MIN_JUMPS:
        return False
    first = places[:_MOST_JUMPS]
    least = _ON_EDGES * len(first)
    return any(_on_edges(first, size) >= least for size in _sizes(first, least))


def _silences(pcm: Int16Array) -> npt.NDArray[np.intp]:
    """Return where silences of nothing but zeros, as long as blocks, begin and end."""
    # Each has one of every `_MIN_BLOCK` samples, and four in a row of every quarter of that.
    for step, in_a_row in ((_MIN_BLOCK, 1), (_MIN_BLOCK // 4, 4)):
        glance = pcm[::step] == 0
        for _ in range(in_a_row - 1):
            glance = glance[1:] & glance[:-1]
        if np.count_nonzero(glance) < _MIN_JUMPS // 2:
            return np.zeros(0, np.intp)
    is_zero = pcm == 0
    ends = 1 + np.flatnonzero(np.diff(is_zero))
    is_long = (np.diff(ends) >= _MIN_BLOCK) & is_zero[ends[:-1]]
    return np.union1d(ends[:-1][is_long], ends[1:][is_long])


def _jumps(samples: ChannelSamples) -> npt.NDArray[np.intp]:
    """Return where single jumps are."""
    found = [np.zeros(0, np.intp)]
    for number, block in enumerate(samples.blocks()):
        steps = block[1:] - block[:-1]
        bends = steps[1:] - steps[:-1]
        np.abs(bends, out=bends)
        least = np.float32(_JUMP) * mean_of(bends)
        if bends.max() > least:
            found.append(number * BLOCK + (bends > least).nonzero()[0])
    at = np.concatenate(found)
    if not len(at):
        return at
    is_next = at[1:] - at[:-1] > _ALONE
    first, last = at[np.concatenate(([True], is_next))], at[np.concatenate((is_next, [True]))]
    is_single = last - first <= _WIDEST
    middle: npt.NDArray[np.intp] = ((first + last) // 2)[is_single]
    return middle


def _sizes(jumps: npt.NDArray[np.intp], least: float) -> list[int]:
    """Return sizes of blocks that the most frequent distances suggest, and so many jumps on edges allow."""
    every = np.sort(jumps[1:] - jumps[:-1])
    # A jump beside the edges spoils two distances at most; others are a multiple of the size, or nearly.
    fewest = len(jumps) - 2 * (len(jumps) - least) - 2
    largest = every[-math.ceil(fewest)] + _OFF
    if largest < _MIN_BLOCK:
        return []
    distances, counts = np.unique(every, return_counts=True)
    frequent = distances[np.argsort(-counts)][:_FREQUENT]
    common = np.gcd.outer(frequent, frequent)
    suggested = np.unique(np.concatenate((common.reshape(-1), frequent - _OFF, frequent + _OFF)))
    sizes = suggested[(suggested >= _MIN_BLOCK) & (suggested <= largest)]
    is_multiple = (distances + _OFF) % sizes[:, np.newaxis] <= 2 * _OFF
    fitting: list[int] = sizes[is_multiple @ counts >= fewest].tolist()
    return fitting


def _on_edges(jumps: npt.NDArray[np.intp], size: int) -> int:
    """Return how many jumps are at the same two neighbouring samples of blocks."""
    phases = np.bincount(jumps % size, minlength=size)
    return int((phases + np.roll(phases, 1)).max())
