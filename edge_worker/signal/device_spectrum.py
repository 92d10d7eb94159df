"""Spectrum of a recording as its device and room shape it.

Frequency response, noise and dynamic range of the stethoscope dominate it, not the heart, so that recordings
of one device lie close together: `inference.familiarity` measures how close, and `inference.adaptation`
corrects the levels of a device.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import TOP_DB

GROUPS: Final = 10
"""Groups of neighbouring bands whose numbers are averaged."""
NUMBERS: Final = 3 * GROUPS
"""Length of `device_spectrum`."""
QUIET_PERCENTILE: Final = 10
"""Percentile of the frames of a band that stands for its noise."""
DEPTH_DB: Final = 80.0
"""Dynamic range that counts: deeper than `windowing.TOP_DB`, as the noise floor tells devices apart."""


def device_spectrum(frames: Float32Array) -> npt.NDArray[np.float64]:
    """Return the numbers that tell devices apart, in dB, of a `HEART_LOG_MEL` spectrogram (frames, bands).

    (NUMBERS,): mean level, quiet level and standard deviation over time of each group of bands, relative to
    the mean level of the recording: the gain does not matter.
    """
    levels = np.maximum(frames, frames.max() - DEPTH_DB).astype(np.float64)
    levels -= levels.mean()
    mean = levels.mean(axis=0)
    deviation = np.sqrt(np.square(levels - mean).mean(axis=0))
    by_band = np.concatenate((mean, _quiet(levels), deviation))
    grouped: npt.NDArray[np.float64] = by_band.reshape(NUMBERS, -1).mean(axis=1)
    return grouped


def _quiet(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return `QUIET_PERCENTILE` of levels (frames, bands) over time; numpy's own takes thrice as long."""
    place = (len(levels) - 1) * QUIET_PERCENTILE / 100
    before = int(place)
    after = min(before + 1, len(levels) - 1)
    ordered = np.partition(levels, (before, after), axis=0)
    quiet: npt.NDArray[np.float64] = ordered[before] + (ordered[after] - ordered[before]) * (place - before)
    return quiet


def spectral_shape(frames: Float32Array) -> Float32Array:
    """Return the mean level of each band of features in dB (frames, bands), minus their mean: (bands,).

    Levels are limited to `TOP_DB` below the loudest, as they are in the windows of a model.
    """
    limited = np.maximum(frames, frames.max() - np.float32(TOP_DB))
    levels_db = limited.mean(axis=0)
    shape: Float32Array = levels_db - levels_db.mean()
    return shape
