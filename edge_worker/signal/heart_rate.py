"""Heart rate from the autocorrelation of tracks that change with every beat.

The autocorrelation has a peak at the length of a cardiac cycle, as in the first step of the segmentations of
S. E. Schmidt et al., Physiol. Meas. 31 (2010), and D. B. Springer et al., IEEE Trans. Biomed. Eng. 63(4)
(2016). Several tracks are correlated together, so that differences between S1 and S2 separate a cycle from a
systole: levels of several bands or, better, the probabilities that `heart_cycle` decodes.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.fourier import irfft, next_fast_len, rfft
from edge_worker.signal.log_mel import HEART_LOG_MEL

FRAMES_PER_S: Final = HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length
MIN_BPM: Final = 30
MAX_BPM: Final = 220
BANDS: Final = 8
"""Lowest bands of the shared spectrogram, 20 to about 190 Hz: these hold S1 and S2, and little noise."""
LOUD_PERCENTILE: Final = 90
DEPTH_DB: Final = 15.0
"""Levels are clipped to this range below `LOUD_PERCENTILE`, so that a knock counts no more than a beat."""
MIN_STRENGTH: Final = 0.3
"""Lowest autocorrelation of a cycle: noise stays below it, and weaker peaks are wrong too often."""
FIRST_PEAK: Final = 0.88
"""Two cycles correlate as well as one: the first peak of at least this fraction of the highest is the cycle.
The value is for levels, in which a systole repeats as well."""
DOUBLE: Final = 0.85
"""One systole correlates at most so well with the next sounds, as a fraction of a whole cycle."""


def estimate(signal: Signal) -> float | None:
    """Return the heart rate in bpm, 30..220, from band levels alone; None when no cycle repeats clearly."""
    frames, height = find_cycle(_clipped_levels(signal.features(HEART_LOG_MEL)))
    bpm = 60 * FRAMES_PER_S / frames if frames else 0.0
    return bpm if height >= MIN_STRENGTH and MIN_BPM <= bpm <= MAX_BPM else None


def strength(signal: Signal) -> float:
    """Return the autocorrelation of the best cycle, 0..1: noise reaches 0.2, most hearts are above 0.3."""
    return find_cycle(_clipped_levels(signal.features(HEART_LOG_MEL)))[1]


def is_double(frames: Float32Array, bpm: float) -> bool:
    """Return whether `bpm` is twice the heart rate of a `HEART_LOG_MEL` spectrogram (frames, bands).

    It is when levels repeat less well after one cycle of this length than after two: one is a systole then.
    """
    correlation = autocorrelation(_clipped_levels(frames))
    cycle = 60 * FRAMES_PER_S / bpm
    once, twice = (round(lag) for lag in (cycle, 2 * cycle))
    return _highest(correlation, once) < DOUBLE * _highest(correlation, twice)


def find_cycle(tracks: Float32Array, first_peak: float = FIRST_PEAK) -> tuple[float, float]:
    """Return the cycle length of tracks (frames, tracks), in frames, and its autocorrelation, 0..1.

    Both are 0 when nothing repeats. `first_peak`: see `FIRST_PEAK`.
    """
    correlation = autocorrelation(tracks)
    first, is_peak = _find_peaks(correlation)
    lags = first + np.flatnonzero(is_peak)
    heights = correlation[lags]
    if not len(lags) or heights.max() <= 0:
        return 0.0, 0.0
    lag = int(lags[np.argmax(heights >= first_peak * heights.max())])
    return _vertex(correlation, lag), float(heights.max())


def strengths(tracks: Float32Array) -> npt.NDArray[np.float64]:
    """Return the autocorrelation of the best cycle of tracks (sounds, frames, tracks): (sounds,)."""
    correlation = autocorrelation(tracks)
    first, is_peak = _find_peaks(correlation)
    heights = correlation[:, first : first + is_peak.shape[1]] * is_peak
    highest: npt.NDArray[np.float64] = np.maximum.reduce(heights, axis=1, initial=0.0)
    return highest


def autocorrelation(tracks: Float32Array) -> npt.NDArray[np.float64]:
    """Return the joint autocorrelation over time of tracks (..., frames, tracks), (..., frames), 1 at lag 0.

    Long lags have few products. They are weighted between the unbiased estimate, which overrates them, and
    the biased one, which always prefers short lags. All zeros when the tracks do not change.
    """
    frames = tracks.shape[-2]
    centred = tracks - np.add.reduce(tracks, axis=-2, keepdims=True) / np.float32(frames)
    spectrum = rfft(centred, next_fast_len(2 * frames, real=True), axis=-2)
    correlation = irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=-1))[..., :frames]
    power = correlation[..., :1]
    weight = np.maximum(power, 1e-12) * (1 - 0.5 * np.arange(frames) / frames)
    normal: npt.NDArray[np.float64] = correlation / weight * (power > 1e-3 * frames)
    return normal


def _clipped_levels(frames: Float32Array) -> Float32Array:
    """Return the levels of the low bands, (frames, bands) in dB, clipped to the range of a beat."""
    bands = frames[:, :BANDS]
    loud = np.percentile(bands.max(axis=1), LOUD_PERCENTILE)
    return np.clip(bands, loud - DEPTH_DB, loud)


def _find_peaks(correlation: npt.NDArray[np.float64]) -> tuple[int, npt.NDArray[np.bool_]]:
    """Return the lag in frames of the shortest cycle, and which from there to the longest are local maxima.

    Correlations are (..., frames), maxima (..., lags).
    """
    first = math.ceil(FRAMES_PER_S * 60 / MAX_BPM)
    last = min(int(FRAMES_PER_S * 60 / MIN_BPM), int(0.7 * correlation.shape[-1]))
    last = max(first, last)
    here = correlation[..., first:last]
    after = correlation[..., first + 1 : last + 1]
    return first, (here > correlation[..., first - 1 : last - 1]) & (here >= after)


def _highest(correlation: npt.NDArray[np.float64], lag: int) -> float:
    """Return the highest value within a frame of a lag; -1 beyond the end."""
    return float(correlation[lag - 1 : lag + 2].max(initial=-1.0))


def _vertex(values: npt.NDArray[np.float64], peak: int) -> float:
    """Return the position of the vertex of the parabola through a peak and its neighbours."""
    before, at, after = values[peak - 1 : peak + 2]
    return float(peak + (before - after) / (2 * (before - 2 * at + after)))
