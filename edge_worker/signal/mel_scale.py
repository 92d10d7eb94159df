"""Mel scale and mel filter bank in Slaney's form, the default of librosa."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array

_LINEAR_UNTIL_HZ: Final = 1000.0
_HZ_PER_MEL: Final = 200 / 3
_LINEAR_UNTIL_MEL: Final = _LINEAR_UNTIL_HZ / _HZ_PER_MEL
_LOG_STEP: Final = float(np.log(6.4) / 27)


def mel_frequencies(count: int, fmin: float, fmax: float) -> npt.NDArray[np.float64]:
    """Return `count` frequencies in Hz from `fmin` to `fmax`, evenly spaced in mel, (count,).

    Equal to `librosa.mel_frequencies`. Of `n_mels + 2` of them, band i rises from i to i + 1, falls to i + 2.
    """
    return np.array([mel_to_hz(mel) for mel in np.linspace(hz_to_mel(fmin), hz_to_mel(fmax), count)])


@lru_cache(maxsize=16)
def mel_filter_bank(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Float32Array:
    """Return Slaney's triangular filters of unit area, float32 (1 + n_fft // 2, n_mels).

    Equal to `librosa.filters.mel(...).T`; M. Slaney, Auditory Toolbox, Interval Research 1998-010.
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    edges_hz = mel_frequencies(n_mels + 2, fmin, fmax)
    distance = edges_hz[:, np.newaxis] - bins_hz
    width = np.diff(edges_hz)[:, np.newaxis]
    triangles = np.minimum(-distance[:-2] / width[:-1], distance[2:] / width[1:]).clip(min=0)
    area = 2 / (edges_hz[2:] - edges_hz[:-2])
    return np.ascontiguousarray((triangles * area[:, np.newaxis]).T, dtype=np.float32)


def hz_to_mel(hz: float) -> float:
    """Return a frequency on Slaney's mel scale: linear up to 1 kHz, logarithmic above."""
    if hz < _LINEAR_UNTIL_HZ:
        return hz / _HZ_PER_MEL
    return _LINEAR_UNTIL_MEL + float(np.log(hz / _LINEAR_UNTIL_HZ)) / _LOG_STEP


def mel_to_hz(mel: float) -> float:
    """Return the frequency in Hz of a value on Slaney's mel scale."""
    if mel < _LINEAR_UNTIL_MEL:
        return mel * _HZ_PER_MEL
    return _LINEAR_UNTIL_HZ * float(np.exp(_LOG_STEP * (mel - _LINEAR_UNTIL_MEL)))
