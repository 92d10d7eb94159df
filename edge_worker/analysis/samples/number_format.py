"""Number format: whether bytes are sound only if they are read in another way than as signed 16-bit."""

from typing import Final

import numpy as np

from edge_worker.analysis.samples.channel_samples import ChannelSamples, roughness
from edge_worker.analysis.samples.interleaving import QUIET
from edge_worker.analysis.samples.repetition import MIN_CHANGES
from edge_worker.signal.arrays import Int16Array

_MIN_DISTINCT: Final = 24
_OF_8_BITS: Final = 256
"""Different values that sound of 8 bits has at most."""
_ROUGH: Final = 0.2
"""Roughness from which on samples may be misread."""
_SMOOTHER: Final = 0.2
"""Roughness of samples that are read rightly, over the square of that of others."""
_LOUD: Final = 2000.0
_HALF: Final = 0x4000
_NEARLY_ALL: Final = 0.95
_CLIPPED: Final = 0.2
"""Fraction of samples at full scale, from which on it is clipped sound that is at both ends."""
_LOUD_BYTE: Final = 8
_NEIGHBOUR: Final = 0.1
"""Variance of the difference of neighbours, over theirs."""
_GLANCED_AT: Final = 2048
"""Samples at each of eight places at which bytes must resemble neighbours before all are looked at."""
_AT_A_GLANCE: Final = 5.0
"""How much less they may do so there."""
_FLOATS: Final = (1e-6, 2.0)
"""Range of audible float samples."""
_SIGN: Final = -0x8000


def is_misread(samples: ChannelSamples) -> bool:
    """Return whether the bytes are sound if they are read in another way, and noise as they are."""
    pcm = samples.pcm
    if _is_unsigned(pcm) or _is_float(pcm):
        return True
    if samples.deviation < _LOUD:
        return False
    return _is_8_bit(pcm) or (samples.roughness >= _ROUGH and _is_smoother_otherwise(pcm, samples.roughness))


def _is_smoother_otherwise(pcm: Int16Array, as_it_is: float) -> bool:
    content = pcm.tobytes()
    even, odd = pcm[0::2], pcm[1::2]
    readings = (
        pcm.byteswap(),
        np.frombuffer(content[1:-1], "<i2"),
        *(_high_words(content[shift:]) for shift in range(3)),
        *(each for each, other in ((even, odd), (odd, even)) if roughness(other) > 3 * _ROUGH),
    )
    return any(each.std() > QUIET and roughness(each) < _SMOOTHER * as_it_is**2 for each in readings)


def _is_unsigned(pcm: Int16Array) -> bool:
    """Return whether sound is far from zero nearly always, at both ends, and no square wave."""
    near = pcm.view(np.uint16) + np.uint16(_HALF - 1) <= np.uint16(2 * (_HALF - 1))
    if np.count_nonzero(near) > len(pcm) - _NEARLY_ALL * len(pcm):
        return False
    centred, above = pcm ^ np.int16(_SIGN), np.count_nonzero(pcm > 0) / len(pcm)
    if min(above, 1 - above) < 1 - _NEARLY_ALL or np.mean((centred == -1) | (centred == 0)) > _CLIPPED:
        return False
    return bool(centred.std() > QUIET and len(np.unique(centred)) > _MIN_DISTINCT)


def _is_8_bit(pcm: Int16Array) -> bool:
    """Return whether both bytes of a loud sample are neighbours in a sound of 8 bits."""
    places = np.linspace(0, max(0, len(pcm) - _GLANCED_AT), 8, dtype=np.intp)
    glance = np.concatenate([pcm[at : at + _GLANCED_AT] for at in places])
    if not any(_are_neighbours(glance, offset, _AT_A_GLANCE) for offset in (0, 0x80)):
        return False
    if len(np.unique(pcm)) <= _OF_8_BITS:
        return False  # sound of 8 bits that was scaled to 16, by any factor
    return any(_are_neighbours(pcm, offset) for offset in (0, 0x80))


def _are_neighbours(pcm: Int16Array, offset: int, margin: float | None = None) -> bool:
    """Return whether the bytes of samples resemble each other; with a margin, whether they may."""
    both = pcm.view(np.uint8).reshape(-1, 2)
    low, high = (both[:, each] ^ np.uint8(offset) for each in (0, 1))
    low, high = low.view(np.int8).astype(np.float32), high.view(np.int8).astype(np.float32)
    is_loud = np.abs(high) >= _LOUD_BYTE
    difference, loud = (low - high)[is_loud], high[is_loud]
    if len(loud) < MIN_CHANGES:
        return margin is not None
    if margin is None and np.mean(np.abs(difference) > 1) < _NEIGHBOUR:
        return False
    return bool(difference.var() < (margin or 1) * _NEIGHBOUR * loud.var())


def _is_float(pcm: Int16Array) -> bool:
    """Return whether pairs of samples are float samples within -1..1."""
    values = pcm[: len(pcm) // 2 * 2].view("<f4")
    if not (np.abs(values[:_GLANCED_AT]) <= _FLOATS[1]).all():  # not a number is not, either
        return False
    values = np.abs(values)
    is_audible = np.count_nonzero(values > _FLOATS[0]) > len(values) / 2
    return bool(is_audible and np.isfinite(values).all() and values.max() <= _FLOATS[1])


def _high_words(content: bytes) -> Int16Array:
    """Return the upper 16 of each 24 bits."""
    triples = np.frombuffer(content[: len(content) // 3 * 3], np.uint8).reshape(-1, 3)
    return np.ascontiguousarray(triples[:, 1:]).view("<i2").reshape(-1)


def has_stuck_bit(samples: ChannelSamples) -> bool:
    """Return whether a bit is always the same while lower and higher ones change."""
    always, ever = np.bitwise_and.reduce(samples.pcm), np.bitwise_or.reduce(samples.pcm)
    changing = int(always ^ ever) & 0xFFFF
    lowest, highest = (changing & -changing).bit_length() - 1, changing.bit_length() - 1
    if changing.bit_count() == highest - lowest + 1:
        return False
    return len(np.unique(samples.pcm[:65536])) >= _OF_8_BITS
