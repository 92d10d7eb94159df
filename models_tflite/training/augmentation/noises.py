"""Sounds without a heart, made up: what rooms, wires and careless hands add to the recorded ones."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.signal

from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL

Random = np.random.Generator
Samples = npt.NDArray[np.float64]

RATE: Final = HEART_LOG_MEL.sample_rate
SECONDS: Final = (4, 5, 6, 8)
SQUARE: Final = 0.3
SAWS: Final = 0.5
TOCKS: Final = 0.5
"""Shares of noise that is switched, of glides that begin again, of clocks that say tick and tock."""


def noises(each: int, seed: int) -> Iterator[tuple[str, Signal]]:
    """Yield `each` sounds of every kind with the name of the kind, the same for the same seed."""
    random = np.random.default_rng(seed)
    for make in KINDS:
        for _ in range(each):
            samples = make(random, RATE * int(random.choice(SECONDS)))
            peak = 10 ** random.uniform(-1.5, 0) / np.abs(samples).max()
            yield make.__name__.strip("_"), Signal((samples * peak).astype(np.float32), RATE)


def coloured(random: Random, length: int, slope_db: float) -> Samples:
    """Return noise of deviation 1 whose spectrum rises by so many dB an octave (samples,)."""
    hertz = np.fft.rfftfreq(length, 1 / RATE).clip(min=5)
    spectrum = np.fft.rfft(random.normal(size=length)) * (hertz / 100) ** (slope_db / 6.02)
    noise: Samples = np.fft.irfft(spectrum, length)
    return noise / float(noise.std())


def _coloured(random: Random, length: int) -> Samples:
    return coloured(random, length, random.uniform(-12, 3))


def _band(random: Random, length: int) -> Samples:
    low = random.uniform(20, 400)
    high = min(low * random.uniform(1.3, 5), 950.0)
    band = scipy.signal.butter(2, (low, high), "bandpass", fs=RATE, output="sos")
    noise: Samples = scipy.signal.sosfilt(band, random.normal(size=length))
    return noise


def _breathing(random: Random, length: int) -> Samples:
    """Noise that swells 0.5 to 3 times a second, as steady as no breath is."""
    noise = (_coloured, _band)[random.integers(2)](random, length)
    phase = 2 * np.pi * random.uniform(0.5, 3) * _time(length) + random.uniform(0, 2 * np.pi)
    swell = (0.5 - 0.5 * np.cos(phase)) ** random.uniform(0.5, 5)
    square = swell > random.uniform(0.2, 0.8)
    depth = random.uniform(0.3, 1)
    breath: Samples = noise * (1 - depth + depth * (square if random.random() < SQUARE else swell))
    return breath


def _hum(random: Random, length: int) -> Samples:
    base = random.choice((50, 60)) * random.normal(1, 1e-3)
    partials = (
        random.uniform() / k * np.sin(2 * np.pi * base * k * _time(length) + random.uniform(0, 6))
        for k in range(1, 9)
    )
    mains: Samples = np.sum(list(partials), axis=0)
    return mains + _floor(random, length)


def _tones(random: Random, length: int) -> Samples:
    """One to four steady tones."""
    tones = (
        np.sin(2 * np.pi * random.uniform(30, 900) * _time(length)) for _ in range(random.integers(1, 5))
    )
    chord: Samples = np.sum(list(tones), axis=0)
    return chord + _floor(random, length)


def _gliding(random: Random, length: int) -> Samples:
    """A tone that climbs and begins again, or climbs and falls."""
    every = random.uniform(0.3, length / RATE)
    low, high = random.uniform(20, 300), random.uniform(200, 900)
    into = _time(length) % every / every
    climbed = into if random.random() < SAWS else 0.5 - 0.5 * np.cos(2 * np.pi * into)
    glide: Samples = np.sin(2 * np.pi * np.cumsum(low + (high - low) * climbed) / RATE)
    return glide + _floor(random, length)


def _melody(random: Random, length: int) -> Samples:
    step, base, decay = random.uniform(0.15, 0.8), random.uniform(60, 300), random.uniform(0.05, 0.6)
    time = _time(length)
    note = base * 2 ** (random.integers(0, 13, int(length / RATE / step) + 1) / 12)
    pitch = note[(time / step).astype(int)]
    struck = np.exp(-(time % step) / decay)
    overtones = (np.sin(2 * np.pi * pitch * k * (time % step)) / k for k in (1, 2, 3))
    notes: Samples = struck * np.sum(list(overtones), axis=0)
    return notes + _floor(random, length)


def _knocks(random: Random, length: int) -> Samples:
    """Knocks and clicks at random."""
    at = random.integers(0, length, random.integers(2, 40))
    return _struck(random, length, at, random.uniform(-1, 1, len(at)))


def _ticking(random: Random, length: int) -> Samples:
    """A clock: ticks as regular as a machine's, or tick and tock."""
    every = RATE * random.uniform(0.25, 1.5)
    at = np.arange(random.uniform(0, every), length, every)
    at = at + RATE * random.choice((0, 0.002, 0.02)) * random.normal(size=len(at))
    if random.random() < TOCKS:
        at = np.concatenate([at, at + every / 2])
    loud = np.where(np.arange(len(at)) % 2, random.uniform(0.2, 1), 1)
    return _struck(random, length, at.astype(int).clip(0, length - 1), loud)


def _rubbing(random: Random, length: int) -> Samples:
    """Cloth and hair under the chestpiece."""
    strength = np.full(length, 10 ** random.uniform(-3, -1))
    for _ in range(random.integers(1, 12)):
        start = random.integers(0, length)
        strength[start : start + int(RATE * random.uniform(0.03, 0.6))] = random.uniform(0.2, 1)
    rubbed: Samples = _coloured(random, length) * strength
    return rubbed


def _converter(random: Random, length: int) -> Samples:
    """The last bits of a converter."""
    noise: Samples = np.rint(random.normal(0, random.uniform(0.3, 2), length)) + 1e-3
    return noise


def _struck(random: Random, length: int, at: npt.NDArray[np.int_], loud: Samples) -> Samples:
    """Return damped oscillations of one pitch that begin at these samples."""
    strikes = np.zeros(length)
    strikes[at] = loud
    time = _time(RATE // 10)
    ring = np.exp(-time / random.uniform(0.002, 0.03)) * np.sin(2 * np.pi * random.uniform(30, 900) * time)
    return np.convolve(strikes, ring)[:length] + _floor(random, length)


def _floor(random: Random, length: int) -> Samples:
    return coloured(random, length, random.uniform(-6, 0)) * 10 ** random.uniform(-4, -1)


def _time(length: int) -> Samples:
    return np.arange(length) / RATE


KINDS: Final[tuple[Callable[[Random, int], Samples], ...]] = (
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
