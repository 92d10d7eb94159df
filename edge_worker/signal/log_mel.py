"""Log-mel spectrogram and MFCC, equal to librosa's, without librosa.

librosa is too slow to start, and too heavy, for an edge worker; tests hold this module to it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array, sliding_windows
from edge_worker.signal.fourier import rfft
from edge_worker.signal.mel_scale import mel_filter_bank

AMIN: Final = 1e-10
"""Lower limit of the power, as in `librosa.power_to_db`: -100 dB."""
_BANDS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class LogMelParameters:
    """Parameters of a log-mel spectrogram, named as in librosa; frames are not centred (`center=False`)."""

    sample_rate: int
    """Hz"""
    n_fft: int
    """Samples in one frame; the periodic Hann window has the same length."""
    hop_length: int
    """Samples between the starts of successive frames."""
    n_mels: int
    fmin: float
    """Hz"""
    fmax: float
    """Hz"""

    @property
    def frame_length(self) -> int:
        """Samples in one frame."""
        return self.n_fft

    @property
    def bands(self) -> int:
        """Mel bands per frame."""
        return self.n_mels

    def is_valid(self) -> bool:
        """Return whether all sizes are positive and the frequencies lie within half the sample rate."""
        sizes = (self.sample_rate, self.n_fft, self.hop_length, self.n_mels)
        return (
            all(isinstance(size, int) and size > 0 for size in sizes)
            and 0 <= self.fmin < self.fmax <= self.sample_rate / 2
        )

    def frame_count(self, seconds: float) -> int:
        """Return the number of frames that fit into so many seconds of audio."""
        return 1 + max(0, round(seconds * self.sample_rate) - self.n_fft) // self.hop_length

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return the log-mel spectrogram of samples (samples,): (frames, n_mels)."""
        return log_mel(samples, self)


HEART_LOG_MEL: Final = LogMelParameters(
    sample_rate=2000, n_fft=200, hop_length=40, n_mels=40, fmin=20, fmax=800
)
"""Spectrogram that heart rate, signal quality and the heart models share, so that it is computed once."""


def log_mel(samples: Float32Array, parameters: LogMelParameters) -> Float32Array:
    """Return the log-mel spectrogram of `samples` in dB re full scale, float32 (frames, n_mels).

    Equal to `librosa.power_to_db(librosa.feature.melspectrogram(center=False), ref=1, top_db=None).T`.
    Audio shorter than one frame is padded with zeros to one frame.
    """
    if len(samples) < parameters.n_fft:
        samples = np.pad(samples, (0, parameters.n_fft - len(samples)))
    count = 1 + (len(samples) - parameters.n_fft) // parameters.hop_length
    frames = sliding_windows(samples, count, parameters.n_fft, parameters.hop_length)
    spectrum = rfft(frames * _hann(parameters.n_fft), axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    mel = np.empty((len(power), parameters.n_mels), dtype=np.float32)
    for bins, bands, weights in _mel_filter_blocks(parameters):
        np.matmul(power[:, bins], weights, out=mel[:, bands])
    np.maximum(mel, np.float32(AMIN), out=mel)
    # numpy has vectorised code for the natural logarithm only.
    np.log(mel, out=mel)
    mel *= np.float32(10 / np.log(10))
    return mel


def mfcc(log_mel_db: Float32Array, n_mfcc: int) -> Float32Array:
    """Return the first `n_mfcc` coefficients of a log-mel spectrogram (frames, n_mels): (frames, n_mfcc).

    Mel-frequency cepstral coefficients: the orthonormal DCT-II of each frame.
    Equal to `librosa.feature.mfcc(S=log_mel_db.T).T`.
    """
    coefficients: Float32Array = log_mel_db @ _cosines(log_mel_db.shape[1], n_mfcc)
    return coefficients


@lru_cache(maxsize=16)
def _mel_filter_blocks(parameters: LogMelParameters) -> list[tuple[slice, slice, Float32Array]]:
    """Return the filter bank in blocks of neighbouring bands: FFT bins, bands, and weights (bins, bands).

    A block covers a small part of the spectrum; half of the full matrix product would be with zeros.
    """
    bank = mel_filter_bank(
        parameters.sample_rate, parameters.n_fft, parameters.n_mels, parameters.fmin, parameters.fmax
    )
    blocks = []
    for first in range(0, parameters.n_mels, _BANDS_AT_ONCE):
        bands = slice(first, min(first + _BANDS_AT_ONCE, parameters.n_mels))
        nonzero = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(nonzero[0], nonzero[-1] + 1) if len(nonzero) else slice(0, 1)
        blocks.append((bins, bands, np.ascontiguousarray(bank[bins, bands])))
    return blocks


@lru_cache(maxsize=16)
def _hann(length: int) -> Float32Array:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@lru_cache(maxsize=16)
def _cosines(n_mels: int, n_mfcc: int) -> Float32Array:
    """Return the first columns of the matrix of the DCT-II, float32 (n_mels, n_mfcc)."""
    middles = (2 * np.arange(n_mels) + 1)[:, np.newaxis]
    cosines = np.cos(np.pi / (2 * n_mels) * middles * np.arange(n_mfcc)) * np.sqrt(2 / n_mels)
    cosines[:, 0] /= np.sqrt(2)
    return np.asarray(cosines, dtype=np.float32)
