"""Signal quality: decides whether a recording is usable, because a label on noise is worse than no label.

Duration, level, clipping and the contrast of beats have a limit each. Whether the recording holds a heart,
and a clear one, is scored by two logistic regressions fitted to thousands of recordings: `quality_model`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from edge_worker.protocol.result import Quality
from edge_worker.signal import quality_model
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import LOUD, QUIET, extract_all
from edge_worker.signal.quality_model import FloatArray, QualityModel
from edge_worker.signal.windowing import slowed

MIN_DURATION_S: Final = 1.5
"""Two beats of a resting heart."""
FULL_SCALE: Final = 0.999
MAX_CLIPPED: Final = 0.01
MIN_SOUND_S: Final = 0.05
"""For sounds other than hearts: as long as a click, and too short to tell classes apart."""
LEVEL_S: Final = 0.1
"""Length of the blocks whose level is measured."""
MIN_LEVEL_DB: Final = -50.0
"""dB re full scale of the loud frames; the converter's own noise is at about -98."""
MIN_BEAT_DB: Final = 6.0
"""Lowest level of beats over the sound between them, dB. 4,626 usable recordings of hearts had 8.8 or more; a
gliding tone has none."""
FULL_SCALE_DB: Final = 26.0
"""Sum of the bands of the shared spectrogram for sound of mean square 1."""
SNR_BANDS: Final = 20
"""Lowest bands of the shared spectrogram, 20 to about 400 Hz: the range of heart sounds."""
SLOWER: Final = 1.5
"""A sound without a heart is judged once more, so many times slower: half of the hearts at 200 bpm and more
were none at full speed."""
MIN_SLOW_HEART: Final = 0.8
"""Lowest probability of a heart there: nine of ten fast hearts have it, and few clocks that tick."""


def assess(signal: Signal) -> Quality:
    """Return the quality of a whole recording as a heart sound."""
    return assess_frames(signal.features(HEART_LOG_MEL), signal.duration_s, _clipped(signal))


def assess_frames(frames: Float32Array, duration_s: float, clipped: float) -> Quality:
    """Return the quality of a heart sound from its `HEART_LOG_MEL` spectrogram (frames, bands).

    `clipped` is the fraction of its samples at full scale, 0..1.
    """
    return assess_several([HeartFrames(frames, duration_s, clipped)])[0]


class HeartFrames(NamedTuple):
    """A heart sound as its quality is assessed."""

    frames: Float32Array
    """`HEART_LOG_MEL` spectrogram, (frames, bands)."""
    duration_s: float
    clipped: float
    """Fraction of its samples at full scale, 0..1."""


def assess_several(sounds: Sequence[HeartFrames]) -> list[Quality]:
    """Return the quality of each heart sound; those of one length are assessed together."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, sound in enumerate(sounds):
        by_length[len(sound.frames)].append(number)
    qualities: dict[int, Quality] = {}
    for numbers in by_length.values():
        alike = [sounds[number] for number in numbers]
        qualities |= zip(numbers, _assess(alike), strict=True)
    return [qualities[number] for number in range(len(sounds))]


def _assess(sounds: Sequence[HeartFrames]) -> Iterator[Quality]:
    """Yield the quality of heart sounds of one length."""
    model = quality_model.load_shipped()
    frames = np.stack([each.frames for each in sounds])
    hearts, clears = _probabilities(frames, model)
    slow = np.flatnonzero(hearts < model.heart.threshold)
    if len(slow):  # a fast heart has more beats and shorter pauses than it was fitted to
        slowed_frames = np.stack([slowed(each, SLOWER) for each in frames[slow]])
        slow_hearts, slow_clears = _probabilities(slowed_frames, model)
        is_fast = slow_hearts >= MIN_SLOW_HEART
        hearts[slow[is_fast]], clears[slow[is_fast]] = slow_hearts[is_fast], slow_clears[is_fast]
    each_of = zip(sounds, hearts.tolist(), clears.tolist(), *_levels(frames), strict=True)
    for sound, heart, clear, quiet_db, loud_db in each_of:
        checks = {
            "too_short": sound.duration_s < MIN_DURATION_S,
            "too_quiet": loud_db < MIN_LEVEL_DB,
            "clipped": sound.clipped > MAX_CLIPPED,
            "no_heartbeat": heart < model.heart.threshold or loud_db - quiet_db < MIN_BEAT_DB,
            "noisy": clear < model.clear.threshold,
        }
        reasons = tuple(reason for reason, failed in checks.items() if failed)
        snr_db = None if checks["no_heartbeat"] else loud_db - quiet_db
        yield Quality(not reasons, snr_db, sound.clipped, reasons, heart * clear)


def impossible(reason: str) -> Quality:
    """Return the quality of samples that are no sound, by `analysis.samples.impossible_sound`."""
    return Quality(usable=False, snr_db=None, clipped=0.0, reasons=(reason,), score=0.0)


def assess_any_sound(signal: Signal) -> Quality:
    """Return the quality of a sound for models of any sound: long enough, loud enough and not clipped."""
    return assess_level(signal.duration_s, loudest_db(signal.samples, signal.sample_rate), _clipped(signal))


def assess_level(duration_s: float, level_db: float, clipped: float) -> Quality:
    """Return the quality of any sound from its length, the level of its loudest 100 ms and its clipping."""
    checks = {
        "too_short": duration_s < MIN_SOUND_S,
        "too_quiet": level_db < MIN_LEVEL_DB,
        "clipped": clipped > MAX_CLIPPED,
    }
    reasons = tuple(reason for reason, failed in checks.items() if failed)
    return Quality(not reasons, None, clipped, reasons)


def loudest_db(samples: Float32Array, sample_rate: int) -> float:
    """Return the level of the loudest 100 ms, dB re full scale, over all frequencies."""
    length = max(1, round(sample_rate * LEVEL_S))
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    blocks = samples[: len(samples) // length * length].reshape(-1, length)
    # Variance, not mean square: a DC offset of the converter is not sound. It is exact where it is wanted.
    power = np.einsum("ij,ij->i", blocks, blocks) / length - np.square(
        blocks @ np.ones(length, np.float32) / length
    )
    loudest = float(blocks[int(power.argmax())].var())
    return float(10 * np.log10(max(loudest, 1e-12)))


def _probabilities(frames: Float32Array, model: QualityModel) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities that spectrograms (sounds, frames, bands) hold a heart, and a clear one."""
    standard = model.standardised(extract_all(frames))
    return model.heart.probabilities(standard), model.clear.probabilities(standard)


def _levels(frames: Float32Array) -> tuple[list[float], list[float]]:
    """Return the level between beats and the level of the beats of each sound, dB re full scale.

    These are the 20th and 95th percentiles of the frame power: S1 and S2 fill about a quarter of a cycle.
    """
    power = np.exp(frames[..., :SNR_BANDS] * np.float32(np.log(10) / 10)).sum(axis=-1)
    power.sort(axis=-1)
    quiet, loud = (power[:, int(share * (power.shape[1] - 1))] for share in (QUIET, LOUD))
    return (10 * np.log10(quiet) - FULL_SCALE_DB).tolist(), (10 * np.log10(loud) - FULL_SCALE_DB).tolist()


def _clipped(signal: Signal) -> float:
    """Return the fraction of samples at full scale, 0..1; of several channels, the worst."""
    if signal.clipped is not None:
        return signal.clipped
    samples = signal.samples
    signal.clipped = 0.0
    if len(samples) and max(samples.max(), -samples.min()) >= FULL_SCALE:  # the rest is hardly ever needed
        signal.clipped = float(np.count_nonzero(np.abs(samples) >= FULL_SCALE) / len(samples))
    return signal.clipped
