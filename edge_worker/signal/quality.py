"""Signal quality: decides whether a recording is usable, because a label on noise is worse than no label.

Duration, level, clipping and the contrast of beats have a limit each. Whether the recording holds a heart,
and a clear one, is scored by two logistic regressions fitted to thousands of recordings: `quality_model`.
"""

from typing import Final

import numpy as np

from edge_worker.protocol.result import Quality
from edge_worker.signal import quality_model
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import LOUD, QUIET, extract
from edge_worker.signal.quality_model import QualityModel
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
    model = quality_model.load_shipped()
    heart, clear = _probabilities(frames, model)
    if heart < model.heart.threshold:  # a fast heart has more beats and shorter pauses than it was fitted to
        slow_heart, slow_clear = _probabilities(slowed(frames, SLOWER), model)
        if slow_heart >= MIN_SLOW_HEART:
            heart, clear = slow_heart, slow_clear
    quiet_db, loud_db = _levels(frames)
    checks = {
        "too_short": duration_s < MIN_DURATION_S,
        "too_quiet": loud_db < MIN_LEVEL_DB,
        "clipped": clipped > MAX_CLIPPED,
        "no_heartbeat": heart < model.heart.threshold or loud_db - quiet_db < MIN_BEAT_DB,
        "noisy": clear < model.clear.threshold,
    }
    reasons = tuple(reason for reason, failed in checks.items() if failed)
    snr_db = None if checks["no_heartbeat"] else loud_db - quiet_db
    return Quality(not reasons, snr_db, clipped, reasons, heart * clear)


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


def _probabilities(frames: Float32Array, model: QualityModel) -> tuple[float, float]:
    """Return the probabilities that a spectrogram (frames, bands) holds a heart, and a clear one."""
    standard = model.standardised(extract(frames))
    return model.heart.probability(standard), model.clear.probability(standard)


def _levels(frames: Float32Array) -> tuple[float, float]:
    """Return the level between beats and the level of the beats, dB re full scale.

    These are the 20th and 95th percentiles of the frame power: S1 and S2 fill about a quarter of a cycle.
    """
    power = np.exp(frames[:, :SNR_BANDS] * np.float32(np.log(10) / 10)).sum(axis=1)
    levels_db = 10 * np.log10(np.sort(power)) - FULL_SCALE_DB
    quiet_db, loud_db = (float(levels_db[int(share * (len(power) - 1))]) for share in (QUIET, LOUD))
    return quiet_db, loud_db


def _clipped(signal: Signal) -> float:
    """Return the fraction of samples at full scale, 0..1; of several channels, the worst."""
    if signal.clipped is not None:
        return signal.clipped
    samples = signal.samples
    signal.clipped = 0.0
    if len(samples) and max(samples.max(), -samples.min()) >= FULL_SCALE:  # the rest is hardly ever needed
        signal.clipped = float(np.count_nonzero(np.abs(samples) >= FULL_SCALE) / len(samples))
    return signal.clipped
