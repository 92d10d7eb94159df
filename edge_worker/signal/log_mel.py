"""Log-mel spectrogram, equal to that of librosa."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.fft

from edge_worker.signal.arrays import Float32Array, sliding_windows
from edge_worker.signal.mel_scale import mel_filter_bank

AMIN: Final = 1e-10
"""Power under which the spectrogram is flat, as in `librosa.power_to_db`: -100 dB."""
_BANDS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class LogMelParameters:
    """A log-mel spectrogram in librosa's words; frames are not centred (`center=False`)."""

    sample_rate: int
    """Hz"""
    n_fft: int
    """Samples of one frame; the periodic Hann window has the same length."""
    hop_length: int
    """Samples from one frame to the next."""
    n_mels: int
    fmin: float
    """Hz"""
    fmax: float
    """Hz"""

    @property
    def frame_length(self) -> int:
        """Samples that one frame is made of."""
        return self.n_fft

    @property
    def bands(self) -> int:
        """Mel bands of a frame."""
        return self.n_mels

    def is_valid(self) -> bool:
        """Return whether a spectrogram can be made of these."""
        whole = (self.sample_rate, self.n_fft, self.hop_length, self.n_mels)
        return (
            all(isinstance(number, int) and number > 0 for number in whole)
            and 0 <= self.fmin < self.fmax <= self.sample_rate / 2
        )

    def frame_count(self, seconds: float) -> int:
        """Return how many frames fit into so many seconds of sound."""
        return 1 + max(0, round(seconds * self.sample_rate) - self.n_fft) // self.hop_length

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return `log_mel` of samples."""
        return log_mel(samples, self)


HEART_LOG_MEL: Final = LogMelParameters(
    sample_rate=2000, n_fft=200, hop_length=40, n_mels=40, fmin=20, fmax=800
)


def log_mel(samples: Float32Array, parameters: LogMelParameters) -> Float32Array:
    """Return the log-mel spectrogram of `samples` in dB re full scale, float32 (frames, n_mels).

    Equal to `librosa.power_to_db(librosa.feature.melspectrogram(center=False), ref=1, top_db=None).T`.
    Sound shorter than one frame is padded with zeros to one frame.
    """
    if len(samples) < parameters.n_fft:
        samples = np.pad(samples, (0, parameters.n_fft - len(samples)))
    count = 1 + (len(samples) - parameters.n_fft) // parameters.hop_length
    frames = sliding_windows(samples, count, parameters.n_fft, parameters.hop_length)
    spectrum = scipy.fft.rfft(frames * _hann(parameters.n_fft), axis=1, overwrite_x=True)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    mel = np.empty((len(power), parameters.n_mels), dtype=np.float32)
    for bins, bands, weights in _mel_filter_blocks(parameters):
        np.matmul(power[:, bins], weights, out=mel[:, bands])
    np.maximum(mel, np.float32(AMIN), out=mel)
    # numpy has vector code for the natural logarithm alone.
    np.log(mel, out=mel)
    mel *= np.float32(10 / np.log(10))
    return mel


@lru_cache(maxsize=16)
def _mel_filter_blocks(parameters: LogMelParameters) -> list[tuple[slice, slice, Float32Array]]:
    """Return, for a few bands at a time, their bins, the bands and the filters (bins, bands).

    Neighbouring filters share a small part of the spectrum: half of the whole product is with zeros.
    """
    bank = mel_filter_bank(
        parameters.sample_rate, parameters.n_fft, parameters.n_mels, parameters.fmin, parameters.fmax
    )
    blocks = []
    for first in range(0, parameters.n_mels, _BANDS_AT_ONCE):
        bands = slice(first, min(first + _BANDS_AT_ONCE, parameters.n_mels))
        heard = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(heard[0], heard[-1] + 1) if len(heard) else slice(0, 1)
        blocks.append((bins, bands, np.ascontiguousarray(bank[bins, bands])))
    return blocks


@lru_cache(maxsize=16)
def _hann(length: int) -> Float32Array:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
