"""Amplitude: whether samples wrap around where they should be limited, or are never negative."""

from typing import Final

import numpy as np

from edge_worker.analysis.samples.channel_samples import ChannelSamples

_HALF_RANGE: Final = 2**15
_MIN_WRAPS: Final = 8
_ON_THE_WAY: Final = 4096
"""Difference of a step, without its wrap, from the mean of those around it."""
_NEARLY_ALL: Final = 0.8
_MIN_RANGE: Final = 1024
_MIN_DISTINCT: Final = 24
"""Values of samples; coarse and quiet sound may have no others than 0 and -1."""
_LIFTED: Final = 1.25
"""Mean over standard deviation, from which on sound may be lifted above zero by an offset."""


def wraps_around(samples: ChannelSamples) -> bool:
    """Return whether steps of more than half the range are small ones that went beyond its end.

    Clipped sound may jump from one end to the other as well, but stays there.
    """
    lowest, highest = samples.lowest, samples.highest
    if highest - lowest <= _HALF_RANGE:
        return False
    steps = np.diff(samples.centred)
    at = 1 + np.flatnonzero(np.abs(steps[1:-1]) > _HALF_RANGE)
    if len(at) < _MIN_WRAPS:
        return False
    before, after = steps[at - 1], steps[at + 1]
    without_wrap = steps[at] - 2 * _HALF_RANGE * np.sign(steps[at])
    is_at_end = np.isin(samples.pcm[at], (lowest, highest)) & np.isin(samples.pcm[at + 1], (lowest, highest))
    is_on_the_way = np.abs(without_wrap - (before + after) / 2) < _ON_THE_WAY
    is_on_the_way &= np.abs(without_wrap) < _HALF_RANGE / 2
    wraps = is_on_the_way & (before != 0) & (after != 0) & ~is_at_end
    return bool(np.count_nonzero(wraps) > _NEARLY_ALL * len(at))


def is_one_sided(samples: ChannelSamples) -> bool:
    """Return whether all samples are on one side of zero, and so near to it that no offset lifts them."""
    lowest, highest = samples.lowest, samples.highest
    if (lowest < 0 < highest) or highest - lowest < _MIN_RANGE:
        return False
    if abs(float(samples.pcm.mean())) >= _LIFTED * samples.deviation:
        return False
    return len(np.unique(samples.pcm)) >= _MIN_DISTINCT
