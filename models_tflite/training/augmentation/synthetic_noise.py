"""Synthetic sounds without a heart: noise, hum, tones, knocks, rubbing."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.signal

from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL

Generator = np.random.Generator
Samples = npt.NDArray[np.float64]

RATE: Final = HEART_LOG_MEL.sample_rate
SECONDS: Final = (4, 5, 6, 8)
SQUARE: Final = 0.3
"""Share of swelling noise that is switched on and off."""
SAWS: Final = 0.5
"""Share of glides that begin again instead of falling."""
TOCKS: Final = 0.5
"""Share of clocks with a tick and a tock."""


def synthetic_noises(per_kind: int, seed: int) -> Iterator[tuple[str, Signal]]:
    """Yield name and signal of `per_kind` sounds of every kind; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for make in KINDS:
        for _ in range(per_kind):
            samples = make(rng, RATE * int(rng.choice(SECONDS)))
            peak = 10 ** rng.uniform(-1.5, 0) / np.abs(samples).max()
            yield make.__name__.strip("_"), Signal((samples * peak).astype(np.float32), RATE)


def coloured(rng: Generator, length: int, slope_db: float) -> Samples:
    """Return noise of standard deviation 1 whose spectrum rises by so many dB an octave, (samples,)."""
    hertz = np.fft.rfftfreq(length, 1 / RATE).clip(min=5)
    spectrum = np.fft.rfft(rng.normal(size=length)) * (hertz / 100) ** (slope_db / 6.02)
    noise: Samples = np.fft.irfft(spectrum, length)
    return noise / float(noise.std())


def _coloured(rng: Generator, length: int) -> Samples:
    return coloured(rng, length, rng.uniform(-12, 3))


def _band(rng: Generator, length: int) -> Samples:
    low = rng.uniform(20, 400)
    high = min(low * rng.uniform(1.3, 5), 950.0)
    band = scipy.signal.butter(2, (low, high), "bandpass", fs=RATE, output="sos")
    noise: Samples = scipy.signal.sosfilt(band, rng.normal(size=length))
    return noise


def _breathing(rng: Generator, length: int) -> Samples:
    """Noise that swells 0.5 to 3 times a second, more steadily than breath."""
    noise = (_coloured, _band)[rng.integers(2)](rng, length)
    phase = 2 * np.pi * rng.uniform(0.5, 3) * _time(length) + rng.uniform(0, 2 * np.pi)
    swell = (0.5 - 0.5 * np.cos(phase)) ** rng.uniform(0.5, 5)
    square = swell > rng.uniform(0.2, 0.8)
    depth = rng.uniform(0.3, 1)
    breath: Samples = noise * (1 - depth + depth * (square if rng.random() < SQUARE else swell))
    return breath


def _hum(rng: Generator, length: int) -> Samples:
    base = rng.choice((50, 60)) * rng.normal(1, 1e-3)
    partials = (
        rng.uniform() / k * np.sin(2 * np.pi * base * k * _time(length) + rng.uniform(0, 6))
        for k in range(1, 9)
    )
    mains: Samples = np.sum(list(partials), axis=0)
    return mains + _floor(rng, length)


def _tones(rng: Generator, length: int) -> Samples:
    """One to four steady tones."""
    tones = (np.sin(2 * np.pi * rng.uniform(30, 900) * _time(length)) for _ in range(rng.integers(1, 5)))
    chord: Samples = np.sum(list(tones), axis=0)
    return chord + _floor(rng, length)


def _gliding(rng: Generator, length: int) -> Samples:
    """A tone that climbs and begins again, or climbs and falls."""
    every = rng.uniform(0.3, length / RATE)
    low, high = rng.uniform(20, 300), rng.uniform(200, 900)
    into = _time(length) % every / every
    climbed = into if rng.random() < SAWS else 0.5 - 0.5 * np.cos(2 * np.pi * into)
    glide: Samples = np.sin(2 * np.pi * np.cumsum(low + (high - low) * climbed) / RATE)
    return glide + _floor(rng, length)


def _melody(rng: Generator, length: int) -> Samples:
    step, base, decay = rng.uniform(0.15, 0.8), rng.uniform(60, 300), rng.uniform(0.05, 0.6)
    time = _time(length)
    note = base * 2 ** (rng.integers(0, 13, int(length / RATE / step) + 1) / 12)
    quick_recipe = note[(time / step).astype(int)]
    struck = np.exp(-(time % step) / decay)
    overtones = (np.sin(2 * np.pi * quick_recipe * k * (time % step)) / k for k in (1, 2, 3))
    notes: Samples = struck * np.sum(list(overtones), axis=0)
    return notes + _floor(rng, length)


def _knocks(rng: Generator, length: int) -> Samples:
    """Knocks and clicks at random times."""
    at = rng.integers(0, length, rng.integers(2, 40))
    return _struck(rng, length, at, rng.uniform(-1, 1, len(at)))


def _ticking(rng: Generator, length: int) -> Samples:
    """A clock: ticks at equal intervals, or tick and tock."""
    every = RATE * rng.uniform(0.25, 1.5)
    at = np.arange(rng.uniform(0, every), length, every)
    at = at + RATE * rng.choice((0, 0.002, 0.02)) * rng.normal(size=len(at))
    if rng.random() < TOCKS:
        at = np.concatenate([at, at + every / 2])
    loud = np.where(np.arange(len(at)) % 2, rng.uniform(0.2, 1), 1)
    return _struck(rng, length, at.astype(int).clip(0, length - 1), loud)


def _rubbing(rng: Generator, length: int) -> Samples:
    """Cloth and hair under the chestpiece."""
    strength = np.full(length, 10 ** rng.uniform(-3, -1))
    for _ in range(rng.integers(1, 12)):
        start = rng.integers(0, length)
        strength[start : start + int(RATE * rng.uniform(0.03, 0.6))] = rng.uniform(0.2, 1)
    rubbed: Samples = _coloured(rng, length) * strength
    return rubbed


def _converter(rng: Generator, length: int) -> Samples:
    """The last bits of an analogue-to-digital converter."""
    noise: Samples = np.rint(rng.normal(0, rng.uniform(0.3, 2), length)) + 1e-3
    return noise


def _struck(rng: Generator, length: int, at: npt.NDArray[np.int_], loud: Samples) -> Samples:
    """Return damped oscillations of one pitch that begin at samples `at`, (samples,)."""
    strikes = np.zeros(length)
    strikes[at] = loud
    time = _time(RATE // 10)
    ring = np.exp(-time / rng.uniform(0.002, 0.03)) * np.sin(2 * np.pi * rng.uniform(30, 900) * time)
    return np.convolve(strikes, ring)[:length] + _floor(rng, length)


def _floor(rng: Generator, length: int) -> Samples:
    return coloured(rng, length, rng.uniform(-6, 0)) * 10 ** rng.uniform(-4, -1)


def _time(length: int) -> Samples:
    return np.arange(length) / RATE


KINDS: Final[tuple[Callable[[Generator, int], Samples], ...]] = (
    _coloured,
    _band,
    _breathing,
    _hum,
    _tones,
    _gliding,
    _melody,
    _knocks,
    _ticking,
    _rubbing,
    _converter,
)
"""Every kind of sound; a name without its underscore is the kind's in the quality model."""
