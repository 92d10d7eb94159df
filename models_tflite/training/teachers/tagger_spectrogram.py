"""Spectrogram that EfficientAT's networks were trained on: log-mel, 128 bands on the HTK scale, to 15 kHz."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from edge_worker.signal.arrays import Float32Array, sliding_windows

SAMPLE_RATE: Final = 32000
BANDS: Final = 128
N_FFT: Final = 1024
WINDOW: Final = 800
"""Samples of the Hann window, in the middle of a frame."""
HOP: Final = 320
FMAX: Final = 15000.0
"""Hz"""
PRE_EMPHASIS: Final = 0.97


def transform(samples: Float32Array) -> Float32Array:
    """Return the spectrogram of samples (samples,) at 32 kHz, scaled as in its training: (bands, frames)."""
    emphasised = samples[1:] - np.float32(PRE_EMPHASIS) * samples[:-1]
    padded = np.pad(emphasised, N_FFT // 2, mode="reflect")
    frames = sliding_windows(padded, 1 + (len(padded) - N_FFT) // HOP, N_FFT, HOP)
    spectrum = scipy.fft.rfft(frames * _window(), axis=1, overwrite_x=True)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    log_mel = np.log(power @ _filter_bank() + np.float32(1e-5))
    return np.ascontiguousarray((log_mel.T + np.float32(4.5)) / np.float32(5))


@lru_cache
def _window() -> Float32Array:
    return np.pad(np.hanning(WINDOW), (N_FFT - WINDOW) // 2).astype(np.float32)


@lru_cache
def _filter_bank() -> Float32Array:
    """Return triangular filters of height 1, even in mel, (bins, bands), as Kaldi makes them."""
    mel = _mel(scipy.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE))[:, np.newaxis]
    edges = np.linspace(0, _mel(np.array(FMAX)), BANDS + 2)
    width = np.diff(edges)
    triangles = np.minimum((mel - edges[:-2]) / width[:-1], (edges[2:] - mel) / width[1:])
    return np.asarray(triangles.clip(min=0), dtype=np.float32)


def _mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return frequencies on the HTK mel scale."""
    return np.asarray(1127 * np.log1p(hz / 700))
