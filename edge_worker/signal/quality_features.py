"""Features of signal quality: they separate hearts from other sounds, and clear hearts from poor recordings.

All are derived from the levels of four bands of the shared spectrogram and do not depend on the gain.
Kurtosis, energy ratios and periodicity as signs of quality: H. Tang et al., BioMed Research International
2021, 7565398, and D. B. Springer et al., Computing in Cardiology 2014; here in simpler forms, in 0.2 ms.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.signal import heart_rate
from edge_worker.signal.arrays import Float32Array

FloatArray = npt.NDArray[np.floating]

FIRST_BANDS: Final = np.array([0, 2, 9, 20])
"""First mel band of each: from 20 (most of S1), 60 (S1 and S2), 190 (murmurs) and 400 Hz (hiss, speech)."""
MIN_FRAMES: Final = 75
"""1.5 s: shorter recordings are repeated."""
DEPTH_DB: Final = 60.0
"""Range of the levels; lower ones are raised, so that a gap in a recording is no quieter than a room."""
QUIET: Final = 0.2
LOUD: Final = 0.95
"""Quantiles of the levels over time, between beats and in them: S1 and S2 fill about a quarter of a cycle."""
BEAT_DB: Final = 15.0
"""Range of beats below the `LOUD` level; levels are clipped to it: a knock counts no more than a beat."""
BUSY_DB: Final = 10.0
"""A band is busy while its level is within this range below its `LOUD` level."""
SKEW_DB: Final = (20.0, 3.0)
"""Levels are clipped so far below and above `LOUD` before their skewness is computed."""
MIN_SPREAD_DB: Final = 0.5
"""Lower limit of a standard deviation that is divided by, so that silence gets no shape."""
SMOOTH_FRAMES: Final = 2
"""40 ms"""
LOW, MIDDLE, MURMUR, HIGH = range(4)


class QualityFeatures(NamedTuple):
    """Thirteen features of one sound; levels are dB re the loudest band."""

    repeats: float
    """Autocorrelation of the best cycle between 30 and 220 bpm, below 210 Hz: 0..1."""
    smooth: float
    """Autocorrelation of the levels at a lag of 40 ms: heart sounds rise and decay, clicks do not."""
    busy_low: float
    """Fraction of time that 20 to 80 Hz is within 10 dB of its beats: a heart is silent most of the time."""
    busy_middle: float
    """The same for 60 to 210 Hz."""
    swells: float
    """Logarithm of the onsets per second in 60 to 210 Hz: two per cycle in a heart."""
    level_low: float
    """Level of the beats in 20 to 80 Hz, where most of the energy of hearts is."""
    level_middle: float
    """Level of the beats in 60 to 210 Hz: rumble of a loose chestpiece has no energy there."""
    floor_murmur: float
    """Level between the beats in 190 to 420 Hz: speech, hiss and friction raise it."""
    skew_low: float
    """Skewness of the level of 20 to 80 Hz: positive for short beats in long pauses, 0 for steady noise."""
    skew_middle: float
    """The same for 60 to 210 Hz."""
    with_middle: float
    """Correlation of the levels of 20 to 80 Hz and 60 to 210 Hz, -1..1: S1 and S2 are present in both."""
    with_high: float
    """The same for 20 to 80 Hz and 400 to 800 Hz."""
    grain: float
    """Mean difference of neighbouring mel bands, dB: large for tones and harmonics, small for hearts."""


def extract(spectrogram: Float32Array) -> QualityFeatures:
    """Return the quality features of a `HEART_LOG_MEL` spectrogram in dB, (frames, 40)."""
    return QualityFeatures(*extract_all(spectrogram[np.newaxis])[0].tolist())


def extract_all(spectrograms: Float32Array) -> npt.NDArray[np.float64]:
    """Return the quality features of spectrograms (sounds, frames, 40): (sounds, features).

    Ten sounds at once take twice the time of one: it is spent on calls, not on numbers.
    """
    if spectrograms.shape[1] < MIN_FRAMES:
        spectrograms = spectrograms[:, np.arange(MIN_FRAMES) % spectrograms.shape[1]]
    bands = band_levels_db(spectrograms)
    frames = bands.shape[-1]
    ordered = bands.copy()
    ordered.sort(axis=-1)
    quiet, loud = (ordered[..., int(share * (frames - 1)), np.newaxis] for share in (QUIET, LOUD))
    beats = _clipped(bands, loud - BEAT_DB, loud)
    busy = np.add.reduce(bands > loud - BUSY_DB, axis=-1) / frames
    level, floor = (each[..., 0] - np.maximum.reduce(loud, axis=1) for each in (loud, quiet))
    skew = _skew(_clipped(bands, loud - SKEW_DB[0], loud + SKEW_DB[1])[:, : MIDDLE + 1])
    correlation = _correlation(bands)
    features = {
        "repeats": heart_rate.strengths(beats[:, : MIDDLE + 1].swapaxes(1, 2)),
        "smooth": _smooth(beats),
        "busy_low": busy[:, LOW],
        "busy_middle": busy[:, MIDDLE],
        "swells": _swells(bands[:, MIDDLE] > ((quiet + loud) / 2)[:, MIDDLE]),
        "level_low": level[:, LOW],
        "level_middle": level[:, MIDDLE],
        "floor_murmur": floor[:, MURMUR],
        "skew_low": skew[:, LOW],
        "skew_middle": skew[:, MIDDLE],
        "with_middle": correlation[:, MIDDLE],
        "with_high": correlation[:, HIGH],
        "grain": _grain(spectrograms),
    }
    return np.array([features[name] for name in QualityFeatures._fields], dtype=np.float64).T


def band_levels_db(spectrogram: Float32Array) -> Float32Array:
    """Return the levels of the four bands over time, dB, (..., 4, frames)."""
    power = np.exp(spectrogram * np.float32(np.log(10) / 10))
    bands = 10 * np.log10(np.add.reduceat(power, FIRST_BANDS, axis=-1).swapaxes(-1, -2))
    loudest = np.maximum.reduce(bands, axis=(-1, -2), keepdims=True)
    limited: Float32Array = np.maximum(bands, loudest - np.float32(DEPTH_DB))
    return limited


# Below, levels are (sounds, bands, frames), and what is returned is (sounds,) or (sounds, bands).


def _smooth(beats: Float32Array) -> FloatArray:
    """Return the feature `smooth` of levels of beats, over all bands together."""
    centred = beats - _mean(beats)[..., np.newaxis]
    products = np.add.reduce(centred[..., SMOOTH_FRAMES:] * centred[..., :-SMOOTH_FRAMES], axis=(1, 2))
    of_noise = centred[0].size * MIN_SPREAD_DB**2
    smooth: FloatArray = products / (np.add.reduce(np.square(centred), axis=(1, 2)) + of_noise)
    return smooth


def _grain(spectrograms: Float32Array) -> FloatArray:
    """Return the feature `grain` of spectrograms (sounds, frames, 40)."""
    steps = spectrograms[..., 1:] - spectrograms[..., :-1]
    np.abs(steps, out=steps)
    grain: FloatArray = np.add.reduce(steps, axis=(1, 2)) / steps[0].size
    return grain


def _swells(is_loud: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the feature `swells` of loud frames (sounds, frames).

    Half an onset is added, as there may be none.
    """
    onsets = np.add.reduce(is_loud[:, 1:] & ~is_loud[:, :-1], axis=1)
    swells: FloatArray = np.log((onsets + 0.5) * heart_rate.FRAMES_PER_S / is_loud.shape[1])
    return swells


def _skew(bands: Float32Array) -> FloatArray:
    """Return the skewness of each band."""
    centred, spread = _centred(bands)
    skew: FloatArray = _mean(centred * centred * centred) / spread**3
    return skew


def _correlation(bands: Float32Array) -> FloatArray:
    """Return the correlation over time of each band with the lowest."""
    centred, spread = _centred(bands)
    products = np.add.reduce(centred * centred[:, LOW, np.newaxis], axis=-1)
    correlation: FloatArray = products / (spread * spread[:, LOW, np.newaxis] * bands.shape[-1])
    return correlation


def _centred(bands: Float32Array) -> tuple[Float32Array, FloatArray]:
    """Return bands without their means, and their standard deviations."""
    centred = bands - _mean(bands)[..., np.newaxis]
    return centred, np.sqrt(_mean(np.square(centred))) + np.float32(MIN_SPREAD_DB)


# numpy's own mean and clip take longer to check their arguments than to process these few hundred numbers.


def _mean(bands: Float32Array) -> Float32Array:
    """Return the means over time."""
    mean: Float32Array = np.add.reduce(bands, axis=-1) / np.float32(bands.shape[-1])
    return mean


def _clipped(bands: Float32Array, low: Float32Array, high: Float32Array) -> Float32Array:
    """Return bands clipped to limits (sounds, bands, 1)."""
    clipped: Float32Array = np.minimum(np.maximum(bands, low), high)
    return clipped
