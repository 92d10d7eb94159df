"""Interleaving: whether samples of one channel are those of several channels in turns."""

import math
from typing import Final

import numpy as np

from edge_worker.analysis.samples.channel_samples import ChannelSamples, bend, roughness
from edge_worker.signal.arrays import Float32Array, Int16Array

QUIET: Final = 16.0
"""Standard deviation up to which a channel may be nothing but noise of the converter."""
_STILL: Final = 2
"""Range, least significant bits, of samples that are always the same."""
_SLOTS: Final = (2, 3, 4, 6, 8)
"""Channels that a buffer may interleave."""
_GLANCED_AT: Final = 256
"""Places at which a phase must be still before all of it is looked at."""
_MIN_DISTINCT: Final = 24
_IMAGE: Final = 0.02
"""Power of what differs between alternating samples, over theirs."""
_SMOOTH: Final = 0.03
"""Roughness up to which what differs is sound."""
_UNBENT: Final = 0.01
"""`bend` up to which two channels do not alternate: half of `_IMAGE` and less may differ."""
_BETWEEN: Final = 0.01
"""Power of what one channel adds to the mean of the neighbours in the other, over that of steps; 0.25 where
both are the same."""
_LOOKED_AT: Final = 65_536
"""Samples of which both halves are compared."""
_AROUND: Final = 4
"""Samples at both ends that have not enough neighbours."""
_UNLIKELY: Final = 8.0
"""Standard errors by which the halves differ; of 15,331 recordings none had more than 6."""
_OPPOSITE: Final = 0.25
"""Excess of one half, over what the other lacks."""
_FAINTER: Final = 0.02
"""Difference of the halves, over their power."""


def is_interleaved(samples: ChannelSamples) -> bool:
    """Return whether some of every few samples are silent and others are not, or differ in step."""
    return _has_still_phase(samples) or _has_image(samples)


def is_split(left: ChannelSamples, right: ChannelSamples) -> bool:
    """Return whether two channels are every second sample of one sound: each lies between those of the other.

    Two microphones would have to be as far apart as half a sample, and the same to a hundredth.
    """
    even, odd = left.centred, right.centred
    between = odd[:-1] - (even[:-1] + even[1:]) * np.float32(0.5)
    step = np.diff(even)
    return float(np.dot(between, between)) < _BETWEEN * float(np.dot(step, step))


def differs_in_halves(samples: ChannelSamples) -> bool:
    """Return whether even and odd samples are the same sound with another strength, as of two microphones.

    What one half adds to the sound around it is, in any sound, as often more as less than what the other
    does.
    """
    values = samples.centred[: min(len(samples), _LOOKED_AT) // 2 * 2]
    if 4 * bend(values) ** 0.5 < 4 * _FAINTER:  # the excess of both halves is no more (Cauchy-Schwarz)
        return False
    even, odd = values[0::2].copy(), values[1::2].copy()
    of_odd, of_even = _excess(odd, even, 1), _excess(even, odd, 0)
    more, less = sorted((float(of_odd.sum()), float(of_even.sum())), reverse=True)
    if min(more, -less) < _OPPOSITE * max(more, -less):
        return False  # interpolated sound has excess in one half, if at all
    excess = of_odd - of_even
    power = 4 * float(np.dot(even, even) + np.dot(odd, odd))
    return more - less > max(_UNLIKELY * float(np.sqrt(np.dot(excess, excess))), _FAINTER * power)


def _excess(half: Float32Array, other: Float32Array, shift: int) -> Float32Array:
    """Return what samples of a half add to what lies between their neighbours, times what is around these."""

    def neighbour(offset: int) -> Float32Array:
        return other[_AROUND + shift + offset : len(other) - _AROUND + shift + offset]

    around = neighbour(-3) + neighbour(-2) + neighbour(1) + neighbour(2)
    return (half[_AROUND : len(half) - _AROUND] - (neighbour(-1) + neighbour(0)) / 2) * around


def _has_still_phase(samples: ChannelSamples) -> bool:
    if samples.highest - samples.lowest <= QUIET:
        return False
    pcm = samples.pcm
    period = math.lcm(*_SLOTS)
    rows = pcm[: len(pcm) // period * period].reshape(-1, period)
    glance = rows[:: max(1, len(rows) // _GLANCED_AT)]
    highest, lowest = glance.max(axis=0).astype(np.int32), glance.min(axis=0).astype(np.int32)
    for slots in _SLOTS:
        spread = highest.reshape(-1, slots).max(axis=0) - lowest.reshape(-1, slots).min(axis=0)
        if (spread <= _STILL).any() and _is_still_throughout(pcm, slots):
            return True
    return False


def _is_still_throughout(pcm: Int16Array, slots: int) -> bool:
    """Return whether every n-th sample is the same, and others are sound."""
    phases = pcm[: len(pcm) // slots * slots].reshape(-1, slots)
    if not (phases.max(axis=0) - phases.min(axis=0).astype(np.int32) <= _STILL).any():
        return False
    other = phases[:, int(phases.std(axis=0).argmax())]
    # A computed tone may cross zero at the same phase for ever.
    return float(other.std()) > QUIET and len(np.unique(other)) >= _MIN_DISTINCT


def _has_image(samples: ChannelSamples) -> bool:
    """Return whether two channels alternate: what differs between them is as smooth as they are."""
    if abs(samples.offset_between) < QUIET - 1 and samples.bend < _UNBENT:
        return False
    count, total, squares = 0, 0.0, 0.0
    for block in samples.blocks():
        differs = _differs(block)
        count, total = count + len(differs), total + float(differs.sum())
        squares += float(np.dot(differs, differs))
    offset = total / count
    power = max(0.0, squares / count - offset**2)
    if abs(offset) > max(QUIET, 0.5 * power**0.5):
        return True
    both = 2 * samples.variance - offset**2 / 2
    is_strong = power > QUIET**2 and power > _IMAGE * max(1.0, both)
    return is_strong and roughness(_differs(samples.centred)) < _SMOOTH


def _differs(samples: Float32Array) -> Float32Array:
    """Return what odd samples have beyond the mean of the even ones around them."""
    even, odd = samples[0::2], samples[1::2]
    pairs = len(even) - 1
    return odd[:pairs] - (even[:-1] + even[1:]) * np.float32(0.5)
