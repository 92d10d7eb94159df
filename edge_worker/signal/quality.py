"""Whether a recording can be judged at all: a label on noise is worse than no label.

What is plainly wrong (length, level, clipping, no beat that stands out) has a limit each; whether there is a
heart, and a clear one, is said by two scores that were fitted to thousands of real recordings: `scorecard`.
"""

from typing import Final

import numpy as np

from edge_worker.protocol.result import Quality
from edge_worker.signal import quality_model
from edge_worker.signal.features import HEART_LOG_MEL, Float32Array, Signal
from edge_worker.signal.quality_features import LOUD, QUIET, extract

MIN_DURATION_S: Final = 1.5
"""Two beats of a resting heart."""
FULL_SCALE: Final = 0.999
MAX_CLIPPED: Final = 0.01
MIN_SOUND_S: Final = 0.05
"""Of a sound that is no heart: a click fills it, and no class can be told from less."""
LEVEL_S: Final = 0.1
MIN_LEVEL_DB: Final = -50.0
"""dB re full scale of the loud frames; the converter's own noise is at about -98."""
MIN_BEAT_DB: Final = 6.0
"""What beats stand out by, dB: 4,626 usable recordings of hearts had 8.8 or more; a gliding tone has none."""
FULL_SCALE_DB: Final = 26.0
"""What the bands of the shared spectrogram add up to for sound of mean square 1."""
SNR_BANDS: Final = 20
"""Lowest bands of the shared spectrogram, 20 to about 400 Hz: where heart sounds are."""


def assess(signal: Signal) -> Quality:
    """Judge the sound of a whole recording as a heart."""
    return assess_frames(signal.features(HEART_LOG_MEL), signal.duration_s, _clipped(signal))


def assess_frames(frames: Float32Array, duration_s: float, clipped: float) -> Quality:
    """Assess a heart sound by its `HEART_LOG_MEL` spectrogram (frames, bands) and clipped fraction, 0..1."""
    card = quality_model.load_shipped()
    standard = card.standardised(extract(frames))
    heart, clear = card.heart.probability(standard), card.clear.probability(standard)
    quiet_db, loud_db = _levels(frames)
    checks = {
        "too_short": duration_s < MIN_DURATION_S,
        "too_quiet": loud_db < MIN_LEVEL_DB,
        "clipped": clipped > MAX_CLIPPED,
        "no_heartbeat": heart < card.heart.threshold or loud_db - quiet_db < MIN_BEAT_DB,
        "noisy": clear < card.clear.threshold,
    }
    reasons = tuple(reason for reason, failed in checks.items() if failed)
    snr_db = None if checks["no_heartbeat"] else loud_db - quiet_db
    return Quality(not reasons, snr_db, clipped, reasons, heart * clear)


def assess_any_sound(signal: Signal) -> Quality:
    """Judge a sound for models that do not listen for hearts: there, loud enough, and not clipped."""
    return assess_level(signal.duration_s, loudest_db(signal.samples, signal.sample_rate), _clipped(signal))


def assess_level(duration_s: float, level_db: float, clipped: float) -> Quality:
    """Judge any sound by its length, its loudest tenth of a second and what is clipped of it, 0..1."""
    checks = {
        "too_short": duration_s < MIN_SOUND_S,
        "too_quiet": level_db < MIN_LEVEL_DB,
        "clipped": clipped > MAX_CLIPPED,
    }
    reasons = tuple(reason for reason, failed in checks.items() if failed)
    return Quality(not reasons, None, clipped, reasons)


def loudest_db(samples: Float32Array, sample_rate: int) -> float:
    """Return the level of the loudest tenth of a second, dB re full scale; all frequencies count."""
    length = max(1, round(sample_rate * LEVEL_S))
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    # The variance: an offset of the converter is no sound.
    power = samples[: len(samples) // length * length].reshape(-1, length).var(axis=1)
    return float(10 * np.log10(max(float(power.max()), 1e-12)))


def _levels(frames: Float32Array) -> tuple[float, float]:
    """Return the level of the sound between beats and of the beats, dB re full scale.

    The 20th and 95th percentile of the power of the frames: S1 and S2 fill about a quarter of a cycle.
    """
    power = np.exp(frames[:, :SNR_BANDS] * np.float32(np.log(10) / 10)).sum(axis=1)
    levels_db = 10 * np.log10(np.sort(power)) - FULL_SCALE_DB
    quiet_db, loud_db = (float(levels_db[int(share * (len(power) - 1))]) for share in (QUIET, LOUD))
    return quiet_db, loud_db


def _clipped(signal: Signal) -> float:
    """Return the fraction of samples at full scale, 0..1; of several channels, in the worst."""
    if signal.clipped is not None:
        return signal.clipped
    samples = signal.samples
    if not len(samples) or max(samples.max(), -samples.min()) < FULL_SCALE:  # cheap, and nearly always enough
        return 0.0
    return float(np.count_nonzero(np.abs(samples) >= FULL_SCALE) / len(samples))
