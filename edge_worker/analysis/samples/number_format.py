"""Number format: whether bytes are sound only if they are read in another way than as signed 16-bit."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.analysis.samples.channel_samples import ChannelSamples, FloatArray, roughness
from edge_worker.analysis.samples.companding import COMPANDED
from edge_worker.analysis.samples.interleaving import QUIET
from edge_worker.analysis.samples.repetition import MIN_CHANGES
from edge_worker.signal.arrays import Int16Array

_MIN_DISTINCT: Final = 24
_OF_8_BITS: Final = 256
"""Different values that sound of 8 bits has at most, by whatever it was multiplied."""
Int8Array = npt.NDArray[np.int8]
_SIGN_OF_BYTE: Final = np.int8(-128)
_CLOSE: Final = 24
_SEVERAL: Final = 1.25
"""Lower bytes to a higher one, from which on they are samples of their own."""
_ROUGH: Final = 0.2
"""Roughness from which on samples may be misread."""
_SMOOTHER: Final = 0.2
"""Roughness of samples that are read rightly, over the square of that of others, which is 1 at most."""
_SMOOTH: Final = 0.08
_LOUD: Final = 2000.0
_HALF: Final = 0x4000
_NEARLY_ALL: Final = 0.95
_FAR_FROM_ZERO: Final = 0.9 * _HALF**2
"""Mean square from which on samples may be `_HALF` or more from zero nearly always."""
_CLIPPED: Final = 0.2
"""Fraction of samples at full scale, from which on it is clipped sound that is at both ends."""
_LOUD_BYTE: Final = 8
_NEIGHBOUR: Final = 0.1
"""Variance of the difference of neighbours, over theirs."""
_GLANCED_AT: Final = 2048
_FLOATS: Final = (1e-6, 2.0)
"""Range of audible float samples."""
_SIGN: Final = -0x8000


def is_misread(samples: ChannelSamples) -> bool:
    """Return whether the bytes are sound if they are read in another way, and noise as they are."""
    pcm = samples.pcm
    is_loud = samples.deviation >= _LOUD
    if (
        (samples.mean_square > _FAR_FROM_ZERO and _is_unsigned(pcm))
        or _is_float(pcm)
        or _is_8_bit(pcm, is_loud=is_loud)
    ):
        return True
    if not is_loud or samples.roughness < _ROUGH or not _is_smoother_otherwise(pcm, samples.roughness):
        return False
    return len(np.unique(pcm)) > _MIN_DISTINCT  # of two or three values all bytes are alike


def _is_smoother_otherwise(pcm: Int16Array, as_it_is: float) -> bool:
    content = pcm.tobytes()
    of_noise = min(1.0, as_it_is**2)
    if any(_is_smooth(reading, _SMOOTHER * of_noise) for reading in _readings(content)):
        return True
    # These laws compress, and make any noise a little smoother.
    companded = (table[np.frombuffer(content, np.uint8)] for table in COMPANDED)
    return any(_is_smooth(reading, _SMOOTH * of_noise) for reading in companded)


def _is_smooth(reading: Int16Array | FloatArray, limit: float) -> bool:
    return float(reading.std()) > QUIET and roughness(reading) < limit


def _readings(content: bytes) -> Iterator[Int16Array | FloatArray]:
    """Yield bytes read as samples of other formats, in steps of 16 bits."""
    yield np.frombuffer(content, ">i2")
    yield np.frombuffer(content[1:-1], "<i2")
    for shift in range(3):
        yield _high_words(content[shift:])
    for shift in (0, 2):
        whole = content[shift : shift + (len(content) - shift) // 4 * 4]
        for order in "<>":
            yield np.frombuffer(whole, f"{order}i4") * np.float32(2**-8)


def _is_unsigned(pcm: Int16Array) -> bool:
    """Return whether sound is far from zero nearly always, at both ends, and no square wave."""
    near = pcm.view(np.uint16) + np.uint16(_HALF - 1) <= np.uint16(2 * (_HALF - 1))
    if np.count_nonzero(near) > len(pcm) - _NEARLY_ALL * len(pcm):
        return False
    centred, above = pcm ^ np.int16(_SIGN), np.count_nonzero(pcm > 0) / len(pcm)
    if min(above, 1 - above) < 1 - _NEARLY_ALL or np.mean((centred == -1) | (centred == 0)) > _CLIPPED:
        return False
    return bool(centred.std() > QUIET and len(np.unique(centred)) > _MIN_DISTINCT)


def _is_8_bit(pcm: Int16Array, *, is_loud: bool) -> bool:
    """Return whether both bytes of a sample are neighbours in a sound of 8 bits."""
    low, high = pcm.astype(np.int8), (pcm >> 8).astype(np.int8)
    # Of samples of 16 bits the lower byte is any; where 8 were scaled to 16, it may be as the higher one.
    if np.count_nonzero(np.abs(low - high) <= _CLOSE) < len(pcm) / 2 or _is_scaled(pcm, high):
        return False
    # Silence of unsigned bytes is at both ends of the range.
    return _are_neighbours(low, high) or (
        is_loud
        and _are_neighbours(low ^ _SIGN_OF_BYTE, high ^ _SIGN_OF_BYTE)
        and len(np.unique(pcm)) > _OF_8_BITS
    )


def _is_scaled(pcm: Int16Array, high: Int8Array) -> bool:
    """Return whether the lower byte follows from the higher one."""
    return len(np.unique(pcm)) <= _SEVERAL * len(np.unique(high))


def _are_neighbours(low: Int8Array, high: Int8Array) -> bool:
    is_loud = np.abs(high.astype(np.int16)) >= _LOUD_BYTE
    if np.count_nonzero(is_loud) < MIN_CHANGES:
        return False
    loud = high[is_loud].astype(np.float32)
    return bool((low[is_loud] - loud).var() < _NEIGHBOUR * loud.var())


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
