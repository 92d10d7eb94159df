"""Synthesised artifacts: handling noise and speech, as a stethoscope records them without a heart."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_KNOCKS_PER_S: Final = 1.5
_RUBS_PER_S: Final = 0.7
_SYLLABLES_PER_S: Final = 4.0
_PITCH_HZ: Final = (100.0, 220.0)
_FORMANTS_HZ: Final = (500.0, 1500.0)


def handling(count: int, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return handling noise (knocks and rubs of the chestpiece), shape (count,), about -1..1."""
    samples = np.zeros(count)
    for start in _random_onsets(count, rate, _KNOCKS_PER_S, rng):
        time_s = np.arange(min(round(0.2 * rate), count - start)) / rate
        thud = np.sin(2 * np.pi * rng.uniform(40, 120) * time_s) + 0.5 * rng.standard_normal(len(time_s))
        samples[start : start + len(time_s)] += rng.uniform(0.4, 1.0) * np.exp(-time_s / 0.03) * thud
    for start in _random_onsets(count, rate, _RUBS_PER_S, rng):
        length = min(round(rng.uniform(0.2, 0.8) * rate), count - start)
        swell = np.sin(np.pi * np.arange(length) / length)
        samples[start : start + length] += 0.4 * swell * rng.standard_normal(length)
    return samples


def speech(count: int, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return speech-like bursts, shape (count,), about -1..1: harmonics of a voice under two formants."""
    samples = np.zeros(count)
    for start in _random_onsets(count, rate, _SYLLABLES_PER_S, rng):
        length = min(round(rng.uniform(0.08, 0.22) * rate), count - start)
        time_s = np.arange(length) / rate
        pitch_hz = rng.uniform(*_PITCH_HZ)
        harmonics_hz = np.arange(pitch_hz, min(2500.0, 0.45 * rate), pitch_hz)
        level = np.exp(-(((harmonics_hz[:, None] - _FORMANTS_HZ) / 200) ** 2)).sum(axis=1)
        voice = level @ np.sin(2 * np.pi * harmonics_hz[:, None] * time_s)
        samples[start : start + length] += 0.3 * np.sin(np.pi * np.arange(length) / length) * voice
    return samples


def _random_onsets(count: int, rate: int, per_s: float, rng: np.random.Generator) -> list[int]:
    """Return random sample indices: `per_s` per second on average, at least one."""
    return [int(onset) for onset in rng.integers(0, count, max(1, round(per_s * count / rate)))]
