"""Heart rate from the sound alone.

Loudness in the low bands repeats with every beat, so its autocorrelation has a peak at the length of a
cycle: the idea that starts the segmentations of S. E. Schmidt et al., Physiol. Meas. 31 (2010), and
D. B. Springer et al., IEEE Trans. Biomed. Eng. 63(4) (2016). Here several bands are correlated together:
S1 and S2 differ in pitch, so the distance between them counts less than the distance between two S1.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from edge_worker.features import HEART, Float32Array, Signal

FRAMES_PER_S: Final = HEART.sample_rate / HEART.hop_length
MIN_BPM: Final = 30
MAX_BPM: Final = 220
BANDS: Final = 8
"""Lowest bands of the shared spectrogram, 20 to about 190 Hz: where S1 and S2 are and most noise is not."""
LOUD_PERCENTILE: Final = 90
DEPTH_DB: Final = 15.0
"""Loudness is clipped between that percentile and so far below: a knock counts no more than a beat."""
MIN_STRENGTH: Final = 0.3
"""Autocorrelation that a cycle must have: noise stays below, and weaker peaks are wrong too often."""
FIRST_PEAK: Final = 0.88
"""Two cycles correlate as well as one: the first peak this close to the highest is the cycle."""


def estimate(signal: Signal) -> float | None:
    """Return the heart rate in bpm, 30..220, or None when no cycle repeats clearly."""
    correlation = autocorrelation(signal.features(HEART))
    lags = _peaks(correlation)
    heights = correlation[lags]
    if not len(lags) or heights.max() < MIN_STRENGTH:
        return None
    cycle = lags[np.argmax(heights >= FIRST_PEAK * heights.max())]
    bpm = float(60 * FRAMES_PER_S / _refined(correlation, int(cycle)))
    return bpm if MIN_BPM <= bpm <= MAX_BPM else None


def strength(signal: Signal) -> float:
    """Return how well the best cycle repeats, 0..1: noise reaches 0.2, most hearts are above 0.3."""
    correlation = autocorrelation(signal.features(HEART))
    return float(correlation[_peaks(correlation)].max(initial=0))


def autocorrelation(spectrogram: Float32Array) -> npt.NDArray[np.float64]:
    """Return the autocorrelation over time of the low bands together, (frames,), 1 at lag 0.

    Long lags have few products; they are weighed between the unbiased form, which trusts them too much,
    and the biased one, which always prefers short lags. All zeros when nothing changes.
    """
    bands = spectrogram[:, :BANDS]
    loud = np.percentile(bands.max(axis=1), LOUD_PERCENTILE)
    bands = np.clip(bands, loud - DEPTH_DB, loud)
    bands = bands - bands.mean(axis=0)
    frames = len(bands)
    spectrum = scipy.fft.rfft(bands, scipy.fft.next_fast_len(2 * frames, real=True), axis=0)
    correlation = scipy.fft.irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=1))[:frames]
    if correlation[0] <= 1e-3 * frames:
        return np.zeros(frames)
    weight = correlation[0] * (1 - 0.5 * np.arange(frames) / frames)
    normal: npt.NDArray[np.float64] = correlation / weight
    return normal


def _peaks(correlation: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the lags in frames of the local maxima between the shortest and the longest cycle."""
    first = math.ceil(FRAMES_PER_S * 60 / MAX_BPM)
    last = min(int(FRAMES_PER_S * 60 / MIN_BPM), int(0.7 * len(correlation)))
    lags = np.arange(first, max(first, last))
    return lags[(correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]


def _refined(correlation: npt.NDArray[np.float64], lag: int) -> float:
    """Return the cycle in frames, finer than one: from the peak at two cycles when there is one."""
    cycle = _vertex(correlation, lag)
    near = round(2 * cycle) + np.arange(-2, 3)
    if near[-1] + 1 >= 0.8 * len(correlation):
        return cycle
    double = int(near[np.argmax(correlation[near])])
    is_peak = correlation[double - 1] < correlation[double] >= correlation[double + 1]
    return _vertex(correlation, double) / 2 if is_peak else cycle


def _vertex(values: npt.NDArray[np.float64], peak: int) -> float:
    """Return the position of the top of a parabola through a peak and its neighbours."""
    before, at, after = values[peak - 1 : peak + 2]
    return float(peak + (before - after) / (2 * (before - 2 * at + after)))
