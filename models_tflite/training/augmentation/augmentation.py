"""Windows drawn and disturbed for training, so that a model learns the sound and not the device.

Everything happens on windows in dB before they are normalised, vectorised over a batch of shape
(batch, frames, bands).
"""

from dataclasses import dataclass

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import TOP_DB, Pad, normalise

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How far windows are disturbed."""

    stretch: float = 0.1
    """Faster or slower, by up to this share."""
    shift_bands: int = 2
    """Up or down, by up to so many bands: another pitch."""
    response_db: float = 4.0
    """Standard deviation of the tilt of a random frequency response, in dB at the edges: another microphone.
    Its bow has half of that and its ripple a quarter."""
    noisy: float = 0.5
    """Share of windows that coloured noise is added to, 10 to 50 dB under their loudest value."""
    time_masks: tuple[int, int] = (1, 24)
    """Stretches of time that are blanked, and the frames of the longest."""
    band_masks: tuple[int, int] = (1, 6)
    """The same of bands."""


def crop(frames: Float32Array, length: int, random: Random, stretch: float, pad: Pad) -> Float32Array:
    """Cut `length` frames at a random place, played up to `stretch` faster or slower.

    Short sound is repeated or stands at a random place in silence, as `pad` says.
    """
    speed = 1 + stretch * random.uniform(-1, 1)
    spare = len(frames) - length * speed
    start = (
        random.uniform(min(0.0, spare), max(0.0, spare))
        if pad == "silence"
        else random.uniform(0, max(0.0, spare))
    )
    at = np.floor(start + np.arange(length) * speed).astype(int)
    window: Float32Array = frames[at % len(frames)]
    if pad == "silence":
        window[(at < 0) | (at >= len(frames))] = frames.max() - TOP_DB
    return window


def disturb(windows: Float32Array, how: Disturbance, random: Random) -> Float32Array:
    """Return the windows as another microphone in another room would have heard them, normalised."""
    return mask(hear_elsewhere(windows, how, random), how, random)


def hear_elsewhere(windows: Float32Array, how: Disturbance, random: Random) -> Float32Array:
    """Return the windows, in dB, at another pitch, in a noisy room, through another microphone."""
    batch, _, bands = windows.shape
    windows = _shift_bands(windows, random, how.shift_bands)
    windows = _add_noise(windows, random, how.noisy)
    heard: Float32Array = windows + _response(batch, bands, random, how.response_db)[:, np.newaxis]
    return heard.astype(np.float32)


def overlay(
    windows: Float32Array, targets: Float32Array, random: Random, chance: float
) -> tuple[Float32Array, Float32Array]:
    """Let another sound of the batch be heard in some windows in dB, and share targets as power is shared.

    Powers add up, as they do in a room, where `mix` averages pictures; both sounds are as loud before
    (between-class learning, Tokozume et al., ICLR 2018).
    """
    chosen = random.random(len(windows)) < chance
    other = random.permutation(len(windows))
    share = random.uniform(0.5, 1, len(windows)).astype(np.float32)
    share[~chosen] = 1
    power = 10 ** (windows / 10)
    power = power / power.mean(axis=(1, 2), keepdims=True)
    cut = share[:, np.newaxis, np.newaxis]
    both = 10 * np.log10(cut * power + (1 - cut) * power[other] + np.float32(1e-12))
    share = share[:, np.newaxis]
    return both, share * targets + (1 - share) * targets[other]


def mask(windows: Float32Array, how: Disturbance, random: Random) -> Float32Array:
    """Return the windows normalised, with stretches of time and of bands blanked."""
    windows = normalise(windows)
    _mask(windows, random, 1, *how.time_masks)
    _mask(windows, random, 2, *how.band_masks)
    return windows


def mix(
    windows: Float32Array, targets: Float32Array, random: Random, alpha: float
) -> tuple[Float32Array, Float32Array]:
    """Blend each window and its target with another's (mixup, Zhang et al. 2018)."""
    share = random.beta(alpha, alpha, (len(windows), 1)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = random.permutation(len(windows))
    mixed = share[..., np.newaxis] * windows + (1 - share[..., np.newaxis]) * windows[other]
    return mixed, share * targets + (1 - share) * targets[other]


def _response(batch: int, bands: int, random: Random, deviation_db: float) -> Float32Array:
    """Return a random smooth frequency response in dB, (batch, bands): tilt, bow and one ripple."""
    x = np.linspace(-1, 1, bands)
    tilt = random.normal(0, deviation_db, (batch, 1)) * x
    bow = random.normal(0, deviation_db / 2, (batch, 1)) * (x**2 - 1 / 3)
    phase = random.uniform(0, 2 * np.pi, (batch, 1))
    ripple = random.normal(0, deviation_db / 4, (batch, 1)) * np.sin(
        2 * np.pi * random.uniform(0.5, 2, (batch, 1)) * x + phase
    )
    return (tilt + bow + ripple).astype(np.float32)


def _add_noise(windows: Float32Array, random: Random, share: float) -> Float32Array:
    """Add coloured noise 10 to 50 dB under the loudest value to this share of the windows."""
    noisy = windows.copy()
    chosen = random.random(len(windows)) < share
    count, frames, bands = windows[chosen].shape
    level = windows[chosen].max(axis=(1, 2)) - random.uniform(10, 50, count)
    colour = random.normal(0, 8, (count, 1)) * np.linspace(-1, 1, bands)
    mean_power = 10 ** ((level[:, np.newaxis] + colour) / 10)
    # The power of noise in a band scatters around its mean; a band spans about two bins: gamma of shape 2.
    grain = random.standard_gamma(2, (count, frames, bands), dtype=np.float32) / 2
    power = 10 ** (windows[chosen] / 10) + grain * mean_power[:, np.newaxis].astype(np.float32)
    noisy[chosen] = 10 * np.log10(power)
    return noisy


def _shift_bands(windows: Float32Array, random: Random, most: int) -> Float32Array:
    """Shift each window by up to `most` bands up or down; the edge band is repeated."""
    bands = windows.shape[2]
    shift = random.integers(-most, most + 1, len(windows))
    at = np.clip(np.arange(bands) + shift[:, None], 0, bands - 1)
    return np.take_along_axis(windows, at[:, None, :], axis=2)


def _mask(windows: Float32Array, random: Random, axis: int, count: int, widest: int) -> None:
    """Blank stretches of time (axis 1) or of bands (axis 2), in place (SpecAugment, Park et al. 2019)."""
    at = np.arange(windows.shape[axis])
    for _ in range(count):
        width = random.integers(0, widest + 1, len(windows))
        start = random.integers(0, windows.shape[axis] - width + 1)
        hidden = (at >= start[:, None]) & (at < (start + width)[:, None])
        windows[np.broadcast_to(np.expand_dims(hidden, 3 - axis), windows.shape)] = 0
