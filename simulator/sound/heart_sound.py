"""Synthesised heart sounds as a stethoscope records them, with the true onsets of S1 and S2.

Heart sounds are sums of damped oscillations of valves, walls and blood; a murmur is turbulence, hence noise.
Durations and bands: L.-G. Durand and P. Pibarot, "Digital signal processing of the phonocardiogram: review
of the most recent advancements", Critical Reviews in Biomedical Engineering 23 (1995). That S1 peaks lower
than S2: A. Sakai, L. P. Feigen and A. A. Luisada, "Frequency distribution of the heart sounds in normal
man", Cardiovascular Research 5 (1971).

For tests and demonstrations only: results on these sounds say nothing about a model on real hearts.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from simulator.sound.artifact import handling, speech
from simulator.sound.heartbeat import Heartbeat, heartbeats

Finding = Literal["normal", "murmur", "extrasystole", "third-sound", "artifact"]
FINDINGS: Final[tuple[Finding, ...]] = get_args(Finding)

PEAK: Final = 0.5
"""Largest sample of a synthesised sound, relative to full scale: 6 dB of headroom, as a device leaves."""
MIN_SECONDS: Final = 1.0
_STETHOSCOPE_HZ: Final = (20.0, 800.0)
"""Passband of chest, bell and microphone."""
_ATTACK_S: Final = 0.008

_Components = tuple[tuple[float, float, float, float], ...]
"""Each: frequency in Hz, delay after the onset in s, decay (to 1/e) in s, amplitude."""
# S1 lasts 100 to 160 ms; myocardial part below 50 Hz, valvular part (mitral, then tricuspid) up to 140 Hz.
_S1: Final[_Components] = (
    (32.0, 0.000, 0.045, 1.00),
    (45.0, 0.008, 0.035, 0.90),
    (58.0, 0.025, 0.025, 0.60),
    (95.0, 0.012, 0.015, 0.25),
)
# S2 is shorter and higher, 80 to 140 ms: the aortic part, then (`_pulmonary`) the softer pulmonary one.
_AORTIC: Final[_Components] = (
    (55.0, 0.000, 0.034, 0.65),
    (78.0, 0.000, 0.024, 0.60),
    (130.0, 0.002, 0.012, 0.25),
)
_PULMONARY: Final[_Components] = ((50.0, 0.000, 0.030, 0.30), (70.0, 0.000, 0.020, 0.20))
# S3 is a dull thud of early filling, about 40 Hz, 120 to 180 ms after S2.
_S3: Final[_Components] = ((38.0, 0.0, 0.030, 0.50),)
_S3_AFTER_S2_S: Final = 0.15
_SPLIT_S: Final = (0.015, 0.040)
"""From aortic to pulmonary closure, in expiration and in inspiration: physiological splitting."""
_BREATH_LOUDNESS: Final = 0.12
_PREMATURE_S2: Final = 0.5
"""A premature ventricle ejects little, so its second sound is soft."""
_MURMUR_HZ: Final = (100.0, 400.0)
_MURMUR_AFTER_S1_S: Final = 0.05
_MURMUR_BEFORE_S2_S: Final = 0.02
_MURMUR_LEVEL: Final = 0.22
"""RMS at its crest, as a fraction of the peak of S1: a clear murmur, grade 3 to 4 of 6."""


@dataclass(frozen=True, slots=True)
class HeartSound:
    """Synthesised sound with its annotations."""

    samples: NDArray[np.float32]
    """Shape (samples,), -1..1."""
    sample_rate: int
    """Hz"""
    s1_s: tuple[float, ...]
    """Onsets of the first heart sounds, seconds; empty for an artifact."""
    s2_s: tuple[float, ...]
    """Onsets of the second heart sounds, seconds."""


def synthesise(
    finding: Finding,
    bpm: float = 72.0,
    seconds: float = 8.0,
    sample_rate: int = 44_100,
    seed: int = 0,
    *,
    noise_db: float = -45.0,
) -> NDArray[np.float32]:
    """Return only the samples of `heart_sound`, shape (samples,), -1..1."""
    return heart_sound(finding, bpm, seconds, sample_rate, seed, noise_db=noise_db).samples


def heart_sound(
    finding: Finding,
    bpm: float = 72.0,
    seconds: float = 8.0,
    sample_rate: int = 44_100,
    seed: int = 0,
    *,
    noise_db: float = -45.0,
) -> HeartSound:
    """Synthesise one recording. Equal arguments give equal samples; the beats depend on no sample rate.

    Args:
        finding: what to synthesise; `artifact` is handling noise and speech without a heart.
        bpm: mean heart rate, beats per minute.
        seconds: duration, at least `MIN_SECONDS`.
        sample_rate: Hz.
        seed: of all random variation.
        noise_db: RMS of the noise of chest and microphone, relative to the loudest sample.

    Raises:
        ValueError: `finding` is unknown, or `bpm` or `seconds` is out of range.
    """
    if finding not in FINDINGS:
        raise ValueError(f"{finding!r} is not one of {', '.join(FINDINGS)}")
    if seconds < MIN_SECONDS:
        raise ValueError(f"{seconds:g} s are too short; make at least {MIN_SECONDS:g} s")
    timing, sound = np.random.default_rng(seed).spawn(2)
    count = round(seconds * sample_rate)
    beats: list[Heartbeat] = []
    if finding == "artifact":
        samples = handling(count, sample_rate, sound) + speech(count, sample_rate, sound)
    else:
        beats = heartbeats(bpm, seconds, timing, extrasystoles=finding == "extrasystole")
        samples = np.zeros(count)
        for beat in beats:
            _add_beat(samples, sample_rate, beat, finding, sound)
    samples /= np.abs(samples).max()
    samples += 10 ** (noise_db / 20) * _noise_floor(count, sample_rate, sound)
    samples = _bandpass(samples, sample_rate, _STETHOSCOPE_HZ)
    samples *= PEAK / np.abs(samples).max()
    s2_s = tuple(beat.s2_s for beat in beats if beat.s2_s < seconds)
    return HeartSound(samples.astype(np.float32), sample_rate, tuple(beat.s1_s for beat in beats), s2_s)


def _add_beat(
    samples: NDArray[np.float64], rate: int, beat: Heartbeat, finding: Finding, rng: np.random.Generator
) -> None:
    """Add the sounds of one cardiac cycle, in place."""
    loudness = 1 - _BREATH_LOUDNESS * beat.breath + 0.03 * rng.standard_normal()
    second = loudness * (_PREMATURE_S2 if beat.is_premature else 1.0)
    split_s = float(np.interp(beat.breath, (-1, 1), _SPLIT_S))
    _add(samples, rate, beat.s1_s, _oscillation(rate, _S1), loudness)
    _add(samples, rate, beat.s2_s, _oscillation(rate, _AORTIC), second)
    _add(samples, rate, beat.s2_s + split_s, _oscillation(rate, _PULMONARY), second)
    if finding == "third-sound":
        _add(samples, rate, beat.s2_s + _S3_AFTER_S2_S, _oscillation(rate, _S3), loudness)
    if finding == "murmur":
        start_s = beat.s1_s + _MURMUR_AFTER_S1_S
        _add(samples, rate, start_s, _murmur(rate, beat.s2_s - _MURMUR_BEFORE_S2_S - start_s, rng), loudness)


def _add(
    samples: NDArray[np.float64], rate: int, start_s: float, sound: NDArray[np.float64], loudness: float
) -> None:
    """Add `sound` at `start_s`, in place, cut off at the end of `samples`."""
    start = round(start_s * rate)
    stop = min(start + len(sound), len(samples))
    if start < stop:
        samples[start:stop] += loudness * sound[: stop - start]


def _oscillation(rate: int, components: _Components) -> NDArray[np.float64]:
    """Return a sum of damped sine waves with an attack of `_ATTACK_S`."""
    longest_s = max(delay_s + 6 * decay_s for _, delay_s, decay_s, _ in components)
    time_s = np.arange(round(longest_s * rate)) / rate
    total = np.zeros(len(time_s))
    for frequency_hz, delay_s, decay_s, amplitude in components:
        since_s = np.maximum(time_s - delay_s, 0)
        envelope = (1 - np.exp(-since_s / _ATTACK_S)) * np.exp(-since_s / decay_s)
        total += amplitude * envelope * np.sin(2 * np.pi * frequency_hz * since_s)
    return total


def _murmur(rate: int, seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a systolic ejection murmur: crescendo-decrescendo noise that ends before S2."""
    count = max(round(seconds * rate), 1)
    noise = _bandpass(rng.standard_normal(count), rate, _MURMUR_HZ)
    crest = np.sin(np.pi * np.arange(count) / count) ** 1.5
    return np.asarray(_MURMUR_LEVEL * crest * noise / (noise.std() or 1.0))


def _noise_floor(count: int, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return pink noise of RMS 1 in the passband of the stethoscope, as of muscles, breath and cloth."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency_hz = np.fft.rfftfreq(count, 1 / rate)
    low_hz, high_hz = _STETHOSCOPE_HZ
    inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    noise = np.fft.irfft(spectrum * inside / np.sqrt(np.maximum(frequency_hz, low_hz)), count)
    return np.asarray(noise / noise.std())


def _bandpass(samples: NDArray[np.float64], rate: int, band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """Return `samples` after a zero-phase bandpass filter, so that beats keep their times."""
    low_hz, high_hz = band_hz
    filters = butter(1, (low_hz, min(high_hz, 0.45 * rate)), "bandpass", fs=rate, output="sos")
    return np.asarray(sosfiltfilt(filters, samples, padlen=min(len(samples) - 1, 3 * rate // 100)))
