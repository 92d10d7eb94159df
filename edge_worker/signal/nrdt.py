"""NRDT: how much a sound bends over a dozen delays, from the source system for environmental sounds.

A frame is a window of samples; for each delay it holds the mean second difference over that delay. A
filter bank without filters: short delays answer to high pitches, long ones to low.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_worker.signal.features import Float32Array

DELAYS: Final = (2, 4, 8, 16, 20, 32, 50, 64, 100, 128, 200, 300)
"""Samples."""
AMIN: Final = 1e-5
"""Value under which a frame is flat: -100 dB, as in the log-mel spectrogram."""


@dataclass(frozen=True, slots=True)
class NrdtParameters:
    """NRDT in decibel, so that windows are normalised as those of a log-mel spectrogram are."""

    sample_rate: int
    """Hz"""
    window: int
    """Samples of a frame; frames do not overlap."""
    relative: bool
    """Flag 1 of the source system: each difference relative to the samples it was made of."""

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.window

    @property
    def frame_length(self) -> int:
        """Samples that one frame is made of."""
        return self.window

    @property
    def bands(self) -> int:
        """Delays that fit: four of them into a window."""
        return len(delays(self.window))

    def is_valid(self) -> bool:
        """Return whether frames can be made of these."""
        whole = (self.sample_rate, self.window)
        return (
            all(isinstance(number, int) and number > 0 for number in whole)
            and isinstance(self.relative, bool)
            and self.bands > 0
        )

    def frame_count(self, seconds: float) -> int:
        """Return how many frames fit into so many seconds of sound."""
        return max(1, round(seconds * self.sample_rate) // self.window)

    def transform(self, samples: Float32Array) -> Float32Array:
        """Return `nrdt` of samples in dB: (frames, bands)."""
        decibel: Float32Array = 20 * np.log10(np.maximum(nrdt(samples, self), np.float32(AMIN)))
        return decibel


def delays(window: int) -> tuple[int, ...]:
    """Return the delays of which four fit into a window."""
    return tuple(delay for delay in DELAYS if delay <= window / 4)


def nrdt(samples: Float32Array, parameters: NrdtParameters) -> Float32Array:
    """Return the NRDT of samples, float32 (frames, delays), each value from 0 to 1.

    With y(t) = x(t-d) + x(t+d) - 2 x(t), a value is the mean over t of |y| / 4, or, `relative`, of
    |y| / (|x(t-d)| + |x(t+d)| + 2 |x(t)|), where silence is 0. A frame looks at its own samples only, and
    sound shorter than one frame is padded with zeros to one.
    """
    width = parameters.window
    if len(samples) < width:
        samples = np.pad(samples, (0, width - len(samples)))
    frames = samples[: len(samples) // width * width].reshape(-1, width)
    return np.stack([_bend(frames, delay, parameters.relative) for delay in delays(width)], axis=1)


def _bend(frames: Float32Array, delay: int, relative: bool) -> Float32Array:
    before, at, after = frames[:, : -2 * delay], frames[:, delay:-delay], frames[:, 2 * delay :]
    difference = np.abs(before + after - 2 * at)
    if not relative:
        absolute: Float32Array = difference.mean(axis=1) / np.float32(4)
        return absolute
    size = np.abs(before) + np.abs(after) + 2 * np.abs(at)
    ratio = np.divide(difference, size, out=np.zeros_like(difference), where=size > 0)
    mean: Float32Array = ratio.mean(axis=1)
    return mean
