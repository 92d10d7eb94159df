"""Sound as models see it: a mono signal, its resampled copies, its log-mel spectrogram, its MFCC.

Log-mel and MFCC equal librosa's (tests hold them to it) in numpy and scipy alone: librosa is too slow to
start, and too heavy, for an edge worker.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.fft
import soxr

Float32Array = npt.NDArray[np.float32]
Real = TypeVar("Real", bound=np.floating)

FULL_SCALE: Final = 32768
"""Magnitude of the most negative signed 16-bit sample."""
CLIPPED_PCM: Final = 32735
"""Magnitude from which a sample counts as clipped: 0.999 of full scale."""
AMIN: Final = 1e-10
"""Power under which the spectrogram is flat, as in `librosa.power_to_db`: -100 dB."""
TOP_DB: Final = 60.0
"""Depth of a normalised window: what is this far under its loudest value is below any chest sound."""
_BANDS_AT_ONCE: Final = 16
MIN_SPREAD_DB: Final = 1.0
"""Standard deviation that a window is divided by at least: silence stays silent."""


class FeatureParameters(Protocol):
    """What a model is shown of a sound: frames in time order, each of so many bands in dB."""

    @property
    def sample_rate(self) -> int:
        """Hz that the sound is brought to first."""

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""

    @property
    def frame_length(self) -> int:
        """Samples that one frame is made of."""

    @property
    def bands(self) -> int:
        """Numbers of a frame."""

    def is_valid(self) -> bool:
        """Return whether frames can be made of these."""

    def frame_count(self, seconds: float) -> int:
        """Return how many frames fit into so many seconds of sound."""

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return the frames of samples (samples,) at `sample_rate`: (frames, bands), at least one frame."""


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
"""The spectrogram that heart rate, signal quality and the heart models share: computed once for all."""


def amplify(pcm: npt.NDArray[np.int16], amplification: float) -> npt.NDArray[np.int16]:
    """Return sound so many times louder, at full scale what would be over it: that counts as clipped."""
    if amplification == 1:
        return pcm
    limits = np.iinfo(np.int16)
    return np.clip(np.round(pcm * float(amplification)), limits.min, limits.max).astype(np.int16)


class Signal:
    """A mono recording, float32 in [-1, 1], that is resampled and transformed once per rate and form.

    However many models look at a recording, each of its forms is computed once. Not for use by several
    threads at once.
    """

    def __init__(self, samples: Float32Array, sample_rate: int, clipped: float | None = None) -> None:
        """Take `samples` of shape (samples,) at `sample_rate` Hz; they are not copied.

        `clipped` is the fraction at full scale, where `samples` no longer show it.
        """
        if samples.ndim != 1 or sample_rate <= 0:
            raise ValueError(f"a signal is mono and has a rate, not {samples.shape} at {sample_rate} Hz")
        self.samples = samples
        self.sample_rate = sample_rate
        self.clipped = clipped
        self._resampled: dict[int, Float32Array] = {sample_rate: samples}
        self._features: dict[FeatureParameters, Float32Array] = {}

    @classmethod
    def from_pcm(cls, pcm: npt.NDArray[np.int16], sample_rate: int) -> "Signal":
        """Take int16 PCM of shape (samples,) or (samples, channels); channels are averaged."""
        if pcm.ndim == 1 or pcm.shape[1] == 1:
            mono = np.multiply(pcm.reshape(-1), np.float32(1 / FULL_SCALE), dtype=np.float32)
            return cls(mono, sample_rate)
        total = pcm.sum(axis=1, dtype=np.int32)
        mono = np.multiply(total, np.float32(1 / (FULL_SCALE * pcm.shape[1])), dtype=np.float32)
        # The mean of a channel at full scale and one that is not is not at full scale.
        at_full_scale = (pcm >= CLIPPED_PCM) | (pcm <= -CLIPPED_PCM)
        return cls(mono, sample_rate, float(at_full_scale.mean(axis=0).max()) if len(pcm) else 0.0)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, rate: int) -> Float32Array:
        """Return the samples at `rate` Hz, shape (samples,); computed once per rate."""
        if rate not in self._resampled:
            self._resampled[rate] = _resample(self.samples, self.sample_rate, rate)
        return self._resampled[rate]

    def features(self, parameters: FeatureParameters) -> Float32Array:
        """Return the features in dB, shape (frames, bands); computed once per parameters."""
        if parameters not in self._features:
            self._features[parameters] = parameters.transform(self.resampled(parameters.sample_rate))
        return self._features[parameters]


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


def sliding_windows(samples: npt.NDArray[Real], count: int, length: int, hop: int) -> npt.NDArray[Real]:
    """Return a view of samples (samples,): so many stretches of `length`, each `hop` after the one before.

    As `sliding_window_view` and `as_strided`, whose checks take longer than a short spectrum.
    """
    samples = np.ascontiguousarray(samples)
    size = samples.itemsize
    return np.ndarray((count, length), samples.dtype, samples, strides=(hop * size, size))


def mel_edges(parameters: LogMelParameters) -> npt.NDArray[np.float64]:
    """Return the edges of mel bands in Hz, (n_mels + 2,): band i rises from i to i + 1, falls to i + 2."""
    edges_mel = np.linspace(_mel(parameters.fmin), _mel(parameters.fmax), parameters.n_mels + 2)
    return np.array([_hz(mel) for mel in edges_mel])


def mfcc(log_mel_db: Float32Array, n_mfcc: int) -> Float32Array:
    """Return the first cepstral coefficients of a log-mel spectrogram (frames, n_mels): (frames, n_mfcc).

    The orthonormal DCT-II of each frame; equal to `librosa.feature.mfcc(S=log_mel_db.T).T`.
    """
    coefficients: Float32Array = scipy.fft.dct(log_mel_db, axis=1, type=2, norm="ortho")[:, :n_mfcc]
    return coefficients


@lru_cache(maxsize=16)
def mel_filter_bank(parameters: LogMelParameters) -> Float32Array:
    """Return Slaney's triangular filters of unit area, float32 (1 + n_fft // 2, n_mels).

    Equal to `librosa.filters.mel(...).T`; M. Slaney, Auditory Toolbox, Interval Research 1998-010.
    """
    bins_hz = scipy.fft.rfftfreq(parameters.n_fft, 1 / parameters.sample_rate)
    edges_hz = mel_edges(parameters)
    distance = edges_hz[:, np.newaxis] - bins_hz
    width = np.diff(edges_hz)[:, np.newaxis]
    triangles = np.minimum(-distance[:-2] / width[:-1], distance[2:] / width[1:]).clip(min=0)
    area = 2 / (edges_hz[2:] - edges_hz[:-2])
    return np.ascontiguousarray((triangles * area[:, np.newaxis]).T, dtype=np.float32)


@lru_cache(maxsize=16)
def _mel_filter_blocks(parameters: LogMelParameters) -> list[tuple[slice, slice, Float32Array]]:
    """Return, for a few bands at a time, their bins, the bands and the filters (bins, bands).

    Neighbouring filters share a small part of the spectrum: half of the whole product is with zeros.
    """
    bank = mel_filter_bank(parameters)
    blocks = []
    for first in range(0, parameters.n_mels, _BANDS_AT_ONCE):
        bands = slice(first, min(first + _BANDS_AT_ONCE, parameters.n_mels))
        heard = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(heard[0], heard[-1] + 1) if len(heard) else slice(0, 1)
        blocks.append((bins, bands, np.ascontiguousarray(bank[bins, bands])))
    return blocks


Pad = Literal["repeat", "silence"]
"""What makes a short sound as long as a window: itself again (a heart goes on), or silence around it."""


def windows(frames: Float32Array, length: int, hop: int, pad: Pad = "repeat") -> Float32Array:
    """Cut features (frames, bands) into windows of `length` frames: (windows, length, bands).

    Windows are spread evenly from the first frame to the last, at most `hop` frames apart, so that the
    end of a recording counts like its start.
    """
    if len(frames) < length:
        return _padded(frames, length, pad)[np.newaxis]
    if len(frames) == length:  # a window of a stream
        return frames[np.newaxis]
    return np.stack([frames[start : start + length] for start in window_starts(len(frames), length, hop)])


def window_starts(frames: int, length: int, hop: int) -> npt.NDArray[np.intp]:
    """Return the first frame of each window that `windows` cuts out of so many frames: (windows,)."""
    last = max(0, frames - length)
    return np.linspace(0, last, 1 + -(-last // hop)).round().astype(np.intp)


def trim(frames: Float32Array, depth_db: float) -> Float32Array:
    """Return features (frames, bands) without the frames at both ends that are `depth_db` under the loudest.

    At least one frame is left. Loudness of a frame is that of its loudest band.
    """
    loudness = frames.max(axis=1)
    loud = np.flatnonzero(loudness >= loudness.max() - depth_db)
    return frames[loud[0] : loud[-1] + 1]


def normalise(window: Float32Array) -> Float32Array:
    """Return windows (..., frames, n_mels) of mean 0 and deviation 1 each, `TOP_DB` deep at most.

    Loudness says where the gain was set and nothing about a heart: this takes it away.
    """
    flat = window.reshape(*window.shape[:-2], -1)
    normal = np.maximum(flat, flat.max(axis=-1, keepdims=True) - np.float32(TOP_DB))
    normal -= normal.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(normal).mean(axis=-1, keepdims=True))
    normal /= np.maximum(spread, np.float32(MIN_SPREAD_DB))
    shaped: Float32Array = normal.reshape(window.shape)
    return shaped


def _padded(frames: Float32Array, length: int, pad: Pad) -> Float32Array:
    if pad == "repeat":
        return np.resize(frames, (length, frames.shape[1]))
    before = (length - len(frames)) // 2
    around = ((before, length - len(frames) - before), (0, 0))
    return np.pad(frames, around, constant_values=float(frames.max()) - TOP_DB)


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
