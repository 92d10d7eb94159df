"""What can be measured of a sound that tells a heart from anything else, and a clear heart from a poor one.

All of it comes from the loudness of four bands of the shared spectrogram, whatever the gain. Kurtosis,
energy ratios and periodicity as signs of quality: H. Tang et al., BioMed Research International 2021,
7565398, and D. B. Springer et al., Computing in Cardiology 2014; here in simpler forms that cost 0.2 ms.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.signal import heart_rate
from edge_worker.signal.features import Float32Array

FloatArray = npt.NDArray[np.floating]

FIRST_BANDS: Final = np.array([0, 2, 9, 20])
"""First mel band of each: from 20 (most of S1), 60 (S1 and S2), 190 (murmurs) and 400 Hz (hiss, speech)."""
MIN_FRAMES: Final = 75
"""1.5 s: shorter sound is repeated."""
DEPTH_DB: Final = 60.0
"""What is further under the loudest moment is silence: a gap in a recording is no quieter than a room."""
QUIET: Final = 0.2
LOUD: Final = 0.95
"""Quantiles of loudness over time, between beats and in them: S1 and S2 fill about a quarter of a cycle."""
BEAT_DB: Final = 15.0
"""Beats are compared down to so far under `LOUD`: a knock counts no more than a beat."""
BUSY_DB: Final = 10.0
SKEW_DB: Final = (20.0, 3.0)
"""Loudness is clipped so far under and over `LOUD` before its skew is taken."""
MIN_SPREAD_DB: Final = 0.5
"""Standard deviation that is divided by at least: silence has no shape."""
SMOOTH_FRAMES: Final = 2
"""40 ms"""
LOW, MIDDLE, MURMUR, HIGH = range(4)


class QualityFeatures(NamedTuple):
    """Thirteen numbers of one sound; levels are dB re the loudest band."""

    repeats: float
    """How well the best cycle between 30 and 220 bpm repeats, under 210 Hz: 0..1."""
    smooth: float
    """Correlation of loudness with itself 40 ms later: heart sounds swell and fade, clicks do not."""
    busy_low: float
    """Share of time that 20 to 80 Hz is within 10 dB of its beats: a heart rests most of the time."""
    busy_middle: float
    """The same of 60 to 210 Hz."""
    swells: float
    """Logarithm of how often a second 60 to 210 Hz gets loud: twice a cycle in a heart."""
    level_low: float
    """Beats of 20 to 80 Hz: hearts are deep."""
    level_middle: float
    """Beats of 60 to 210 Hz: rumble under a loose chestpiece leaves nothing there."""
    floor_murmur: float
    """190 to 420 Hz between the beats: speech, hiss and friction fill it."""
    skew_low: float
    """Skew of the loudness of 20 to 80 Hz: short beats in long rests are positive, a steady noise is 0."""
    skew_middle: float
    """The same of 60 to 210 Hz."""
    with_middle: float
    """Correlation of the loudness of 20 to 80 Hz with 60 to 210 Hz: S1 and S2 sound in both, -1..1."""
    with_high: float
    """The same with 400 to 800 Hz."""
    grain: float
    """Mean difference of neighbouring mel bands, dB: tones and their overtones are jagged, hearts smooth."""


def extract(spectrogram: Float32Array) -> QualityFeatures:
    """Measure a `HEART_LOG_MEL` spectrogram in dB, (frames, 40)."""
    if len(spectrogram) < MIN_FRAMES:
        spectrogram = np.resize(spectrogram, (MIN_FRAMES, spectrogram.shape[1]))
    bands = band_levels_db(spectrogram)
    ordered = bands.copy()
    ordered.sort(axis=1)
    quiet, loud = (ordered[:, int(share * (bands.shape[1] - 1)), np.newaxis] for share in (QUIET, LOUD))
    beats = _between(bands, loud - BEAT_DB, loud)
    busy = np.add.reduce(bands > loud - BUSY_DB, axis=1) / bands.shape[1]
    level, floor = (each[:, 0] - loud.max() for each in (loud, quiet))
    skew = _skew(_between(bands, loud - SKEW_DB[0], loud + SKEW_DB[1])[: MIDDLE + 1])
    together = _correlation(bands)
    return QualityFeatures(
        repeats=heart_rate.find_cycle(beats[: MIDDLE + 1].T)[1],
        smooth=_smooth(beats),
        busy_low=float(busy[LOW]),
        busy_middle=float(busy[MIDDLE]),
        swells=_swells(bands[MIDDLE] > (quiet + loud)[MIDDLE] / 2),
        level_low=float(level[LOW]),
        level_middle=float(level[MIDDLE]),
        floor_murmur=float(floor[MURMUR]),
        skew_low=float(skew[LOW]),
        skew_middle=float(skew[MIDDLE]),
        with_middle=float(together[MIDDLE]),
        with_high=float(together[HIGH]),
        grain=float(np.abs(spectrogram[:, 1:] - spectrogram[:, :-1]).mean()),
    )


def band_levels_db(spectrogram: Float32Array) -> Float32Array:
    """Return the loudness of the four bands over time, dB, (4, frames)."""
    power = np.exp(spectrogram * np.float32(np.log(10) / 10))
    bands = 10 * np.log10(np.add.reduceat(power, FIRST_BANDS, axis=1).T)
    deep: Float32Array = np.maximum(bands, bands.max() - np.float32(DEPTH_DB))
    return deep


def _smooth(beats: Float32Array) -> float:
    """Return `smooth` of the loudness of beats, (4, frames), over all bands together."""
    centred = beats - _mean(beats)[:, np.newaxis]
    later, earlier = centred[:, SMOOTH_FRAMES:], centred[:, :-SMOOTH_FRAMES]
    return float((later * earlier).sum() / (np.square(centred).sum() + centred.size * MIN_SPREAD_DB**2))


def _swells(is_loud: npt.NDArray[np.bool_]) -> float:
    """Return `swells` of which frames are loud; half a swell is added, for there may be none."""
    risen = np.count_nonzero(is_loud[1:] & ~is_loud[:-1])
    return float(np.log((risen + 0.5) * heart_rate.FRAMES_PER_S / len(is_loud)))


def _skew(bands: Float32Array) -> FloatArray:
    """Return the skewness of each of the bands (bands, frames): (bands,)."""
    centred, spread = _centred(bands)
    skew: FloatArray = _mean(centred * centred * centred) / spread**3
    return skew


def _correlation(bands: Float32Array) -> FloatArray:
    """Return the correlation over time of each of the bands (4, frames) with the lowest: (4,)."""
    centred, spread = _centred(bands)
    together: FloatArray = centred @ centred[LOW] / (spread * spread[LOW] * bands.shape[1])
    return together


def _centred(bands: Float32Array) -> tuple[Float32Array, FloatArray]:
    """Return bands (bands, frames) without their means, and their deviations (bands,)."""
    centred = bands - _mean(bands)[:, np.newaxis]
    return centred, np.sqrt(_mean(np.square(centred))) + np.float32(MIN_SPREAD_DB)


# numpy's own mean and clip check their arguments for longer than these few hundred numbers take.


def _mean(bands: Float32Array) -> Float32Array:
    """Return the means of bands (bands, frames): (bands,)."""
    mean: Float32Array = np.add.reduce(bands, axis=1) / np.float32(bands.shape[1])
    return mean


def _between(bands: Float32Array, low: Float32Array, high: Float32Array) -> Float32Array:
    """Return bands (bands, frames) between limits (bands, 1)."""
    clipped: Float32Array = np.minimum(np.maximum(bands, low), high)
    return clipped
