"""Augmentation of training windows, so that a model learns the sound and not the device.

All functions but `random_crop` take a batch of windows in dB, before normalisation: (batch, frames, bands).
"""

from dataclasses import dataclass

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import TOP_DB, Pad, normalise

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Strength of each augmentation."""

    time_stretch: float = 0.1
    """Largest change of speed, as a share."""
    pitch_shift_bands: int = 2
    """Largest shift up or down, in bands."""
    frequency_response_db: float = 4.0
    """Standard deviation of the tilt of a random frequency response, in dB at the edges: another microphone.
    Its bow has half of that and its ripple a quarter."""
    noise_probability: float = 0.5
    """Share of windows that coloured noise is added to, 10 to 50 dB under their loudest value."""
    time_masks: tuple[int, int] = (1, 24)
    """Number of masked stretches of time, and the frames of the longest."""
    frequency_masks: tuple[int, int] = (1, 6)
    """Number of masked ranges of bands, and the bands of the widest."""


def random_crop(frames: Float32Array, length: int, rng: Generator, stretch: float, pad: Pad) -> Float32Array:
    """Return `length` frames of (frames, bands) from a random place, up to `stretch` faster or slower.

    Short sound is repeated or stands at a random place in silence, as `pad` says.
    """
    speed = 1 + stretch * rng.uniform(-1, 1)
    spare = len(frames) - length * speed
    start = (
        rng.uniform(min(0.0, spare), max(0.0, spare)) if pad == "silence" else rng.uniform(0, max(0.0, spare))
    )
    position = np.floor(start + np.arange(length) * speed).astype(int)
    window: Float32Array = frames[position % len(frames)]
    if pad == "silence":
        window[(position < 0) | (position >= len(frames))] = frames.max() - TOP_DB
    return window


def augment(windows: Float32Array, augmentation: Augmentation, rng: Generator) -> Float32Array:
    """Return the windows as if recorded by another microphone in another room, normalised and masked."""
    return spec_augment(augment_acoustics(windows, augmentation, rng), augmentation, rng)


def augment_acoustics(windows: Float32Array, augmentation: Augmentation, rng: Generator) -> Float32Array:
    """Return the windows, in dB, at another pitch, with noise, through another frequency response."""
    batch, _, bands = windows.shape
    windows = _shift_bands(windows, rng, augmentation.pitch_shift_bands)
    windows = _add_noise(windows, rng, augmentation.noise_probability)
    response = _frequency_response(batch, bands, rng, augmentation.frequency_response_db)
    return np.asarray(windows + response[:, np.newaxis], dtype=np.float32)


def overlay(
    windows: Float32Array, targets: Float32Array, rng: Generator, probability: float
) -> tuple[Float32Array, Float32Array]:
    """Mix another sound of the batch into some windows in dB, and the targets in proportion to power.

    Powers add up, as they do in a room, where `mixup` averages spectrograms; both sounds are as loud before
    (between-class learning, Tokozume et al., ICLR 2018).
    """
    chosen = rng.random(len(windows)) < probability
    other = rng.permutation(len(windows))
    share = rng.uniform(0.5, 1, len(windows)).astype(np.float32)
    share[~chosen] = 1
    power = 10 ** (windows / 10)
    power = power / power.mean(axis=(1, 2), keepdims=True)
    gain = share[:, np.newaxis, np.newaxis]
    mixed = 10 * np.log10(gain * power + (1 - gain) * power[other] + np.float32(1e-12))
    share = share[:, np.newaxis]
    return mixed, share * targets + (1 - share) * targets[other]


def spec_augment(windows: Float32Array, augmentation: Augmentation, rng: Generator) -> Float32Array:
    """Return the windows normalised, with stretches of time and bands masked (Park et al. 2019)."""
    windows = normalise(windows)
    _mask(windows, rng, 1, *augmentation.time_masks)
    _mask(windows, rng, 2, *augmentation.frequency_masks)
    return windows


def mixup(
    windows: Float32Array, targets: Float32Array, rng: Generator, alpha: float
) -> tuple[Float32Array, Float32Array]:
    """Return each window and its target averaged with another's (mixup, Zhang et al. 2018).

    The share is of the beta distribution of `alpha`, the window's own at least one half.
    """
    share = rng.beta(alpha, alpha, (len(windows), 1)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(windows))
    mixed = share[..., np.newaxis] * windows + (1 - share[..., np.newaxis]) * windows[other]
    return mixed, share * targets + (1 - share) * targets[other]


def _frequency_response(batch: int, bands: int, rng: Generator, deviation_db: float) -> Float32Array:
    """Return random smooth frequency responses in dB, (batch, bands): tilt, bow and one ripple."""
    x = np.linspace(-1, 1, bands)
    tilt = rng.normal(0, deviation_db, (batch, 1)) * x
    bow = rng.normal(0, deviation_db / 2, (batch, 1)) * (x**2 - 1 / 3)
    phase = rng.uniform(0, 2 * np.pi, (batch, 1))
    ripple = rng.normal(0, deviation_db / 4, (batch, 1)) * np.sin(
        2 * np.pi * rng.uniform(0.5, 2, (batch, 1)) * x + phase
    )
    return (tilt + bow + ripple).astype(np.float32)


def _add_noise(windows: Float32Array, rng: Generator, probability: float) -> Float32Array:
    """Add coloured noise 10 to 50 dB under the loudest value to this share of the windows."""
    noisy = windows.copy()
    chosen = rng.random(len(windows)) < probability
    count, frames, bands = windows[chosen].shape
    level = windows[chosen].max(axis=(1, 2)) - rng.uniform(10, 50, count)
    colour = rng.normal(0, 8, (count, 1)) * np.linspace(-1, 1, bands)
    mean_power = 10 ** ((level[:, np.newaxis] + colour) / 10)
    # The power of noise in a band scatters around its mean; a band spans about two bins: gamma of shape 2.
    grain = rng.standard_gamma(2, (count, frames, bands), dtype=np.float32) / 2
    power = 10 ** (windows[chosen] / 10) + grain * mean_power[:, np.newaxis].astype(np.float32)
    noisy[chosen] = 10 * np.log10(power)
    return noisy


def _shift_bands(windows: Float32Array, rng: Generator, max_shift: int) -> Float32Array:
    """Shift each window by up to `max_shift` bands up or down; the edge band is repeated."""
    bands = windows.shape[2]
    shift = rng.integers(-max_shift, max_shift + 1, len(windows))
    at = np.clip(np.arange(bands) + shift[:, None], 0, bands - 1)
    return np.take_along_axis(windows, at[:, None, :], axis=2)


def _mask(windows: Float32Array, rng: Generator, axis: int, count: int, max_width: int) -> None:
    """Set stretches of time (axis 1) or of bands (axis 2) to 0, in place."""
    at = np.arange(windows.shape[axis])
    for _ in range(count):
        width = rng.integers(0, max_width + 1, len(windows))
        start = rng.integers(0, windows.shape[axis] - width + 1)
        masked = (at >= start[:, None]) & (at < (start + width)[:, None])
        windows[np.broadcast_to(np.expand_dims(masked, 3 - axis), windows.shape)] = 0
