"""Impossible sound: PCM that no microphone gives, because a buffer, a wire or a format is wrong.

A label on such samples would be a label on nothing: a stereo buffer sent as mono halves the heart rate. Each
check is one of structure, and fires only where sound cannot have it: on none of 15,331 recordings of public
datasets (`docs/models.md` § Impossible sound). Coarse, quiet, padded and resampled sound passes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Int16Array

MOST_SAMPLES: Final = 2**20
"""Samples of a recording that are looked at: bounds the time."""
MIN_SAMPLES: Final = 800
_QUIET: Final = 16.0
"""Standard deviation up to which a channel may be nothing but noise of the converter."""
_STILL: Final = 2
"""Range, least significant bits, of samples that are always the same."""
_SLOTS: Final = (2, 3, 4, 6, 8)
"""Channels that a buffer may interleave."""
_MAX_HOLD: Final = 64
_MIN_CHANGES: Final = 200
_LOOKED_AT: Final = 20_000
"""Changes of value that are looked at."""
_ANCHORS, _ANCHOR, _MIN_DISTINCT = 64, 48, 24
"""Sections that are searched for again, their length, and how many values they must have to be unique."""
_FEW: Final = 8
"""Places that are compared whole, and no longer sample by sample."""
_OF_8_BITS: Final = 256
"""Different values that sound of 8 bits has at most."""
_MAX_BLOCK: Final = 8192
"""Longest buffer of sound hardware, samples."""
_MIN_BLOCK: Final = 32
_ROUGH, _SMOOTH = 0.2, 0.03
"""Squared steps over twice the variance: 1 in white noise, under 0.1 in most sound."""
_SMOOTHER: Final = 0.2
"""Roughness of samples that are read rightly, over the square of that of others."""
_IMAGE: Final = 0.02
"""Power of what differs between alternating samples, over theirs."""
_LARGE_STEPS: Final = 0.3
"""Fraction of the steps that are larger than the smallest, of held samples."""
_LOUD: Final = 2000.0
_HALF: Final = 0x4000
_NEARLY_ALL: Final = 0.95
_CLIPPED: Final = 0.2
"""Fraction of samples at full scale, from which on it is clipped sound that is at both ends."""
_LOUD_BYTE: Final = 8
_NEIGHBOUR: Final = 0.1
"""Variance of the difference of neighbours, over theirs."""
_FLOATS: Final = (1e-6, 2.0)
"""Range of audible float samples."""
_SIGN: Final = -0x8000

FloatArray = npt.NDArray[np.floating]


def find_fault(pcm: Int16Array) -> str | None:
    """Return what makes samples (samples,) of one channel impossible, a word of `REASONS`; None: nothing."""
    samples = np.ascontiguousarray(pcm[:MOST_SAMPLES])
    if len(samples) < MIN_SAMPLES:
        return None
    return next((reason for reason, is_faulty in _CHECKS.items() if is_faulty(samples)), None)


def _is_one_value(samples: Int16Array) -> bool:
    return bool(samples.min() == samples.max())


def _is_counter(samples: Int16Array) -> bool:
    """Return whether nearly all steps are the same, as of a counter that wraps around."""
    steps = np.diff(samples)  # wraps around, as the counter does
    step = steps[len(steps) // 2]
    return bool(step != 0 and np.count_nonzero(steps == step) > 0.95 * len(steps))


def _is_interleaved(samples: Int16Array) -> bool:
    """Return whether some of every few samples are silent and others are not, or differ in step."""
    for slots in _SLOTS:
        phases = samples[: len(samples) // slots * slots].reshape(-1, slots)
        still = phases.max(axis=0) - phases.min(axis=0).astype(np.int32) <= _STILL
        other = phases[:, int(phases.std(axis=0).argmax())]
        # A computed tone may cross zero at the same phase for ever.
        if still.any() and other.std() > _QUIET and len(np.unique(other)) >= _MIN_DISTINCT:
            return True
    return _has_image(samples)


def _has_image(samples: Int16Array) -> bool:
    """Return whether two channels alternate: what differs between them is as smooth as they are."""
    pairs = samples[: len(samples) // 2 * 2].reshape(-1, 2).astype(np.float32)
    left, right = pairs[:, 0], pairs[:, 1]
    between = (left[:-1] + left[1:]) / 2
    differs = right[:-1] - between
    offset, spread = abs(float(differs.mean())), float(differs.std())
    if offset > max(_QUIET, 0.5 * spread):
        return True
    is_strong = spread**2 > _IMAGE * max(1.0, float(left.var() + right.var()))
    return spread > _QUIET and is_strong and _roughness(differs) < _SMOOTH


def _is_held(samples: Int16Array) -> bool:
    """Return whether values change at every n-th sample only, or never two samples in a row."""
    changes = np.flatnonzero(np.diff(samples))[:_LOOKED_AT]
    if len(changes) < _MIN_CHANGES:
        return False
    in_a_row = int(np.count_nonzero(np.diff(changes) == 1))
    if in_a_row > 0.004 * len(changes):  # of two in a row one is in another phase: none has nearly all
        return False
    for hold in range(2, _MAX_HOLD + 1):
        phases = np.bincount(changes % hold, minlength=hold)
        if phases.max() >= 0.999 * len(changes):
            return True
    if in_a_row > 0.001 * (len(changes) - 1):
        return False
    steps = np.abs(samples[changes + 1].astype(np.int32) - samples[changes])
    # Steps of coarse or slow sound are of one unit; those of held samples are of any size.
    return bool(np.mean(steps > 2 * steps.min()) > _LARGE_STEPS)


def _is_repeated(samples: Int16Array) -> bool:
    """Return whether blocks come again at once, sample by sample."""
    starts = np.linspace(0, len(samples) - _ANCHOR, _ANCHORS, dtype=np.intp)
    lags: list[int] = []
    searched = 0
    for start in starts:
        anchor = samples[start : start + _ANCHOR]
        if len(set(anchor.tolist())) < _MIN_DISTINCT:
            continue
        searched += 1
        following = samples[start + _MIN_BLOCK : start + _MAX_BLOCK + _ANCHOR]
        found = np.flatnonzero(following[: len(following) - _ANCHOR + 1] == anchor[0])
        for offset in range(1, _ANCHOR):
            if len(found) <= _FEW:
                break
            found = found[following[found + offset] == anchor[offset]]
        lag = next((int(at) for at in found if np.array_equal(following[at : at + _ANCHOR], anchor)), None)
        if lag is not None:
            lags.append(lag)
    if searched < _ANCHORS // 8 or not lags:
        return False
    same = int(np.unique(lags, return_counts=True)[1].max())
    return same >= max(3, 0.1 * searched)


def _is_misread(samples: Int16Array) -> bool:
    """Return whether the bytes are sound if they are read in another way, and noise as they are."""
    if _is_unsigned(samples) or _is_8_bit(samples) or _is_float(samples):
        return True
    roughness = _roughness(samples)
    if roughness < _ROUGH or samples.std() < _LOUD:
        return False
    content = samples.tobytes()
    even, odd = samples[0::2], samples[1::2]
    readings = (
        samples.byteswap(),
        np.frombuffer(content[1:-1], "<i2"),
        *(_high_words(content[shift:]) for shift in range(3)),
        *(each for each, other in ((even, odd), (odd, even)) if _roughness(other) > 3 * _ROUGH),
    )
    return any(each.std() > _QUIET and _roughness(each) < _SMOOTHER * roughness**2 for each in readings)


def _is_unsigned(samples: Int16Array) -> bool:
    """Return whether sound is far from zero nearly always, at both ends, and no square wave."""
    is_far = np.abs(samples.astype(np.int32)) >= _HALF
    if np.count_nonzero(is_far) < _NEARLY_ALL * len(samples):
        return False
    centred, above = samples ^ np.int16(_SIGN), np.count_nonzero(samples > 0) / len(samples)
    if min(above, 1 - above) < 1 - _NEARLY_ALL or np.mean((centred == -1) | (centred == 0)) > _CLIPPED:
        return False
    return bool(centred.std() > _QUIET and len(np.unique(centred)) > _MIN_DISTINCT)


def _is_8_bit(samples: Int16Array) -> bool:
    """Return whether both bytes of a sample are neighbours in a sound of 8 bits."""
    both = samples.view(np.uint8).reshape(-1, 2)
    if samples.std() < _LOUD or len(np.unique(samples)) <= _OF_8_BITS:
        return False  # quiet, or sound of 8 bits that was scaled to 16, by any factor
    for offset in (0, 0x80):
        low, high = (both[:, each] ^ np.uint8(offset) for each in (0, 1))
        low, high = low.view(np.int8).astype(np.float32), high.view(np.int8).astype(np.float32)
        is_loud = np.abs(high) >= _LOUD_BYTE
        difference, loud = (low - high)[is_loud], high[is_loud]
        if len(loud) < _MIN_CHANGES or np.mean(np.abs(difference) > 1) < _NEIGHBOUR:
            continue
        if difference.var() < _NEIGHBOUR * loud.var():
            return True
    return False


def _is_float(samples: Int16Array) -> bool:
    """Return whether pairs of samples are float samples within -1..1."""
    content = samples.tobytes()
    values = np.abs(np.frombuffer(content[: len(content) // 4 * 4], "<f4"))
    is_audible = np.count_nonzero(values > _FLOATS[0]) > len(values) / 2
    return bool(is_audible and np.isfinite(values).all() and values.max() <= _FLOATS[1])


def _high_words(content: bytes) -> Int16Array:
    """Return the upper 16 of each 24 bits."""
    triples = np.frombuffer(content[: len(content) // 3 * 3], np.uint8).reshape(-1, 3)
    return np.ascontiguousarray(triples[:, 1:]).view("<i2").reshape(-1)


def _has_stuck_bit(samples: Int16Array) -> bool:
    """Return whether a bit is always the same while lower and higher ones change."""
    if len(np.unique(samples[:65536])) < _OF_8_BITS:
        return False
    always, ever = np.bitwise_and.reduce(samples), np.bitwise_or.reduce(samples)
    changing = int(always ^ ever) & 0xFFFF
    lowest, highest = (changing & -changing).bit_length() - 1, changing.bit_length() - 1
    return changing.bit_count() < highest - lowest + 1


def _roughness(samples: Int16Array | FloatArray) -> float:
    """Return the mean squared step of samples over twice their variance."""
    values = samples.astype(np.float32)
    return float(np.square(np.diff(values)).mean() / max(2 * values.var(), 1e-9))


_CHECKS: Final[dict[str, Callable[[Int16Array], bool]]] = {
    "one_value": _is_one_value,
    "counter": _is_counter,
    "interleaved": _is_interleaved,
    "held_samples": _is_held,
    "repeated_blocks": _is_repeated,
    "wrong_format": _is_misread,
    "stuck_bit": _has_stuck_bit,
}
