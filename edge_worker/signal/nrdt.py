"""NRDT features: mean second differences of a sound over a dozen delays.

From the source system for environmental sounds. A frame is a window of samples; for each delay it holds the
mean second difference over that delay. This acts as a coarse filter bank: short delays respond to high
frequencies, long ones to low frequencies.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array

DELAYS: Final = (2, 4, 8, 16, 20, 32, 50, 64, 100, 128, 200, 300)
"""Samples."""
AMIN: Final = 1e-5
"""Lower limit of a value: -100 dB, as in the log-mel spectrogram."""


@dataclass(frozen=True, slots=True)
class NrdtParameters:
    """Parameters of NRDT features in dB; windows are then normalised like those of a log-mel spectrogram."""

    sample_rate: int
    """Hz"""
    window: int
    """Samples in one frame; frames do not overlap."""
    relative: bool
    """Flag 1 of the source system: each difference is divided by the magnitude of its samples."""

    @property
    def hop_length(self) -> int:
        """Samples between the starts of successive frames."""
        return self.window

    @property
    def frame_length(self) -> int:
        """Samples in one frame."""
        return self.window

    @property
    def bands(self) -> int:
        """Values per frame: delays of at most a quarter of the window."""
        return len(delays(self.window))

    def is_valid(self) -> bool:
        """Return whether the sizes are positive and at least one delay fits into the window."""
        sizes = (self.sample_rate, self.window)
        return (
            all(isinstance(size, int) and size > 0 for size in sizes)
            and isinstance(self.relative, bool)
            and self.bands > 0
        )

    def frame_count(self, seconds: float) -> int:
        """Return the number of frames that fit into so many seconds of audio."""
        return max(1, round(seconds * self.sample_rate) // self.window)

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return the NRDT of samples (samples,) in dB: (frames, bands)."""
        decibel: Float32Array = 20 * np.log10(np.maximum(nrdt(samples, self), np.float32(AMIN)))
        return decibel


def delays(window: int) -> tuple[int, ...]:
    """Return the delays that are at most a quarter of the window."""
    return tuple(delay for delay in DELAYS if delay <= window / 4)


def nrdt(samples: Float32Array, parameters: NrdtParameters) -> Float32Array:
    """Return the NRDT of samples, float32 (frames, delays), each value from 0 to 1.

    With y(t) = x(t-d) + x(t+d) - 2 x(t), a value is the mean over t of |y| / 4, or, `relative`, of
    |y| / (|x(t-d)| + |x(t+d)| + 2 |x(t)|), where silence is 0. A frame depends on its own samples only, and
    audio shorter than one frame is padded with zeros to one.
    """
    width = parameters.window
    if len(samples) < width:
        samples = np.pad(samples, (0, width - len(samples)))
    frames = samples[: len(samples) // width * width].reshape(-1, width)
    return np.stack([_mean_difference(frames, delay, parameters.relative) for delay in delays(width)], axis=1)


def _mean_difference(frames: Float32Array, delay: int, relative: bool) -> Float32Array:
    """Return one value per frame, (frames,), of frames (frames, window)."""
    before, at, after = frames[:, : -2 * delay], frames[:, delay:-delay], frames[:, 2 * delay :]
    difference = np.abs(before + after - 2 * at)
    if not relative:
        absolute: Float32Array = difference.mean(axis=1) / np.float32(4)
        return absolute
    size = np.abs(before) + np.abs(after) + 2 * np.abs(at)
    ratio = np.divide(difference, size, out=np.zeros_like(difference), where=size > 0)
    mean_ratio: Float32Array = ratio.mean(axis=1)
    return mean_ratio
