"""Sound as models see it: a mono signal, its resampled copies and its log-mel spectrogram.

The log-mel equals `librosa.feature.melspectrogram` + `librosa.power_to_db` (tests hold it to them) in
numpy and scipy alone: librosa is too slow to start, and too heavy, for an edge worker.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
import soxr

Float32Array = npt.NDArray[np.float32]

FULL_SCALE: Final = 32768
"""Magnitude of the most negative signed 16-bit sample."""
AMIN: Final = 1e-10
"""Power under which the spectrogram is flat, as in `librosa.power_to_db`: -100 dB."""
TOP_DB: Final = 60.0
"""Depth of a normalised window: what is this far under its loudest value is below any chest sound."""
MIN_SPREAD_DB: Final = 1.0
"""Standard deviation that a window is divided by at least: silence stays silent."""


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

    def is_sound(self) -> bool:
        """Return whether a spectrogram can be made of these."""
        whole = (self.sample_rate, self.n_fft, self.hop_length, self.n_mels)
        return (
            all(isinstance(number, int) and number > 0 for number in whole)
            and 0 <= self.fmin < self.fmax <= self.sample_rate / 2
        )

    def frames(self, seconds: float) -> int:
        """Return how many frames fit into so many seconds of sound."""
        return 1 + max(0, round(seconds * self.sample_rate) - self.n_fft) // self.hop_length


HEART: Final = LogMelParameters(sample_rate=2000, n_fft=200, hop_length=40, n_mels=40, fmin=20, fmax=800)
"""The spectrogram that heart rate, signal quality and the heart models share: computed once for all."""


class Signal:
    """A mono recording, float32 in [-1, 1], that is resampled and transformed once per rate and form.

    However many models look at a recording, each of its forms is computed once. Not for use by several
    threads at once.
    """

    def __init__(self, samples: Float32Array, sample_rate: int) -> None:
        """Take `samples` of shape (samples,) at `sample_rate` Hz; they are not copied."""
        if samples.ndim != 1 or sample_rate <= 0:
            raise ValueError(f"a signal is mono and has a rate, not {samples.shape} at {sample_rate} Hz")
        self.samples = samples
        self.sample_rate = sample_rate
        self._resampled: dict[int, Float32Array] = {sample_rate: samples}
        self._log_mels: dict[LogMelParameters, Float32Array] = {}

    @classmethod
    def from_pcm(cls, pcm: npt.NDArray[np.int16], sample_rate: int) -> "Signal":
        """Take int16 PCM of shape (samples,) or (samples, channels); channels are averaged."""
        if pcm.ndim == 1 or pcm.shape[1] == 1:
            mono = np.multiply(pcm.reshape(-1), np.float32(1 / FULL_SCALE), dtype=np.float32)
        else:
            total = pcm.sum(axis=1, dtype=np.int32)
            mono = np.multiply(total, np.float32(1 / (FULL_SCALE * pcm.shape[1])), dtype=np.float32)
        return cls(mono, sample_rate)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def at(self, rate: int) -> Float32Array:
        """Return the samples at `rate` Hz, shape (samples,); computed once per rate."""
        if rate not in self._resampled:
            self._resampled[rate] = _resample(self.samples, self.sample_rate, rate)
        return self._resampled[rate]

    def log_mel(self, parameters: LogMelParameters) -> Float32Array:
        """Return the log-mel spectrogram in dB, shape (frames, n_mels); computed once per parameters."""
        if parameters not in self._log_mels:
            self._log_mels[parameters] = log_mel(self.at(parameters.sample_rate), parameters)
        return self._log_mels[parameters]


def log_mel(samples: Float32Array, parameters: LogMelParameters) -> Float32Array:
    """Return the log-mel spectrogram of `samples` in dB re full scale, float32 (frames, n_mels).

    Equal to `librosa.power_to_db(librosa.feature.melspectrogram(center=False), ref=1, top_db=None).T`.
    Sound shorter than one frame is padded with zeros to one frame.
    """
    if len(samples) < parameters.n_fft:
        samples = np.pad(samples, (0, parameters.n_fft - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, parameters.n_fft)[:: parameters.hop_length]
    spectrum = scipy.fft.rfft(frames * _hann(parameters.n_fft), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    mel = power @ mel_filter_bank(parameters)
    decibel: Float32Array = 10 * np.log10(np.maximum(mel, np.float32(AMIN)))
    return decibel


@lru_cache(maxsize=16)
def mel_filter_bank(parameters: LogMelParameters) -> Float32Array:
    """Return Slaney's triangular filters of unit area, float32 (1 + n_fft // 2, n_mels).

    Equal to `librosa.filters.mel(...).T`; M. Slaney, Auditory Toolbox, Interval Research 1998-010.
    """
    bins_hz = scipy.fft.rfftfreq(parameters.n_fft, 1 / parameters.sample_rate)
    edges_mel = np.linspace(_mel(parameters.fmin), _mel(parameters.fmax), parameters.n_mels + 2)
    edges_hz = np.array([_hz(mel) for mel in edges_mel])
    distance = edges_hz[:, np.newaxis] - bins_hz
    width = np.diff(edges_hz)[:, np.newaxis]
    triangles = np.minimum(-distance[:-2] / width[:-1], distance[2:] / width[1:]).clip(min=0)
    area = 2 / (edges_hz[2:] - edges_hz[:-2])
    return np.ascontiguousarray((triangles * area[:, np.newaxis]).T, dtype=np.float32)


def windows(spectrogram: Float32Array, length: int, hop: int) -> Float32Array:
    """Cut a spectrogram (frames, n_mels) into windows of `length` frames: (windows, length, n_mels).

    Windows are spread evenly from the first frame to the last, at most `hop` frames apart, so that the
    end of a recording counts like its start. A recording shorter than one window is repeated from its
    start until the window is full.
    """
    if len(spectrogram) < length:
        return np.resize(spectrogram, (1, length, spectrogram.shape[1]))
    last = len(spectrogram) - length
    starts = np.linspace(0, last, 1 + -(-last // hop)).round().astype(int)
    return np.stack([spectrogram[start : start + length] for start in starts])


def normalise(window: Float32Array) -> Float32Array:
    """Return windows (..., frames, n_mels) of mean 0 and deviation 1 each, `TOP_DB` deep at most.

    Loudness says where the gain was set and nothing about a heart: this takes it away.
    """
    over = (-2, -1)
    floored = np.maximum(window, window.max(axis=over, keepdims=True) - np.float32(TOP_DB))
    centred = floored - floored.mean(axis=over, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=over, keepdims=True))
    normal: Float32Array = centred / np.maximum(spread, np.float32(MIN_SPREAD_DB))
    return normal


def _resample(samples: Float32Array, from_rate: int, to_rate: int) -> Float32Array:
    resampled: Float32Array = soxr.resample(samples, from_rate, to_rate, quality="MQ")
    return resampled


@lru_cache(maxsize=16)
def _hann(length: int) -> Float32Array:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


_LINEAR_UNTIL_HZ: Final = 1000.0
_HZ_PER_MEL: Final = 200 / 3
_LINEAR_UNTIL_MEL: Final = _LINEAR_UNTIL_HZ / _HZ_PER_MEL
_LOG_STEP: Final = float(np.log(6.4) / 27)


def _mel(hz: float) -> float:
    if hz < _LINEAR_UNTIL_HZ:
        return hz / _HZ_PER_MEL
    return _LINEAR_UNTIL_MEL + float(np.log(hz / _LINEAR_UNTIL_HZ)) / _LOG_STEP


def _hz(mel: float) -> float:
    if mel < _LINEAR_UNTIL_MEL:
        return mel * _HZ_PER_MEL
    return _LINEAR_UNTIL_HZ * float(np.exp(_LOG_STEP * (mel - _LINEAR_UNTIL_MEL)))
