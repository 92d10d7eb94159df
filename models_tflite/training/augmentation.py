"""Windows drawn and disturbed for training, so that a model learns hearts and not devices.

Everything happens on log-mel windows in dB before they are normalised, vectorised over a batch of shape
(batch, frames, n_mels).
"""

import numpy as np

from edge_worker.features import Float32Array, normalise

Random = np.random.Generator


def crop(spectrogram: Float32Array, length: int, random: Random, stretch: float = 0.1) -> Float32Array:
    """Cut `length` frames at a random place, played up to `stretch` faster or slower, wrapped if short."""
    speed = 1 + stretch * random.uniform(-1, 1)
    start = random.uniform(0, max(0.0, len(spectrogram) - length * speed))
    at = (start + np.arange(length) * speed).astype(int) % len(spectrogram)
    window: Float32Array = spectrogram[at]
    return window


def disturb(windows: Float32Array, random: Random) -> Float32Array:
    """Return the windows as another stethoscope in another room would have heard them, normalised."""
    batch, _, bands = windows.shape
    windows = _shift_bands(windows, random)
    windows = _add_noise(windows, random)
    windows = windows + _response(batch, bands, random)[:, np.newaxis]
    windows = normalise(windows.astype(np.float32))
    _mask(windows, random)
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


def _response(batch: int, bands: int, random: Random) -> Float32Array:
    """Return a random smooth frequency response in dB, (batch, bands): tilt, bow and one ripple."""
    x = np.linspace(-1, 1, bands)
    tilt = random.normal(0, 4, (batch, 1)) * x
    bow = random.normal(0, 2, (batch, 1)) * (x**2 - 1 / 3)
    phase = random.uniform(0, 2 * np.pi, (batch, 1))
    ripple = random.normal(0, 1, (batch, 1)) * np.sin(
        2 * np.pi * random.uniform(0.5, 2, (batch, 1)) * x + phase
    )
    return (tilt + bow + ripple).astype(np.float32)


def _add_noise(windows: Float32Array, random: Random) -> Float32Array:
    """Add coloured noise 10 to 50 dB under the loudest value to half of the windows."""
    noisy = windows.copy()
    chosen = random.random(len(windows)) < 0.5  # noqa: PLR2004 half of them
    count, frames, bands = windows[chosen].shape
    level = windows[chosen].max(axis=(1, 2)) - random.uniform(10, 50, count)
    colour = random.normal(0, 8, (count, 1)) * np.linspace(-1, 1, bands)
    mean_power = 10 ** ((level[:, np.newaxis] + colour) / 10)
    # The power of noise in a band scatters around its mean; a band spans about two bins: gamma of shape 2.
    grain = random.standard_gamma(2, (count, frames, bands), dtype=np.float32) / 2
    power = 10 ** (windows[chosen] / 10) + grain * mean_power[:, np.newaxis].astype(np.float32)
    noisy[chosen] = 10 * np.log10(power)
    return noisy


def _shift_bands(windows: Float32Array, random: Random, most: int = 2) -> Float32Array:
    """Shift each window by up to `most` bands up or down; the edge band is repeated."""
    bands = windows.shape[2]
    shift = random.integers(-most, most + 1, len(windows))
    at = np.clip(np.arange(bands) + shift[:, None], 0, bands - 1)
    return np.take_along_axis(windows, at[:, None, :], axis=2)


def _mask(windows: Float32Array, random: Random, frames: int = 24, bands: int = 6) -> None:
    """Blank one stretch of time and one of frequency (SpecAugment, Park et al. 2019), in place."""
    for axis, widest in ((1, frames), (2, bands)):
        width = random.integers(0, widest + 1, len(windows))
        start = random.integers(0, windows.shape[axis] - width + 1)
        at = np.arange(windows.shape[axis])
        hidden = (at >= start[:, None]) & (at < (start + width)[:, None])
        windows[np.broadcast_to(np.expand_dims(hidden, 3 - axis), windows.shape)] = 0
