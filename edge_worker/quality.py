"""Whether a recording can be judged at all: a label on noise is worse than no label.

Thresholds were set on real recordings, good and bad; `docs/models.md` says what they let through.
"""

from typing import Final

import numpy as np

from edge_worker import heart_rate
from edge_worker.features import HEART, Signal
from edge_worker.result import Quality

MIN_DURATION_S: Final = 1.5
"""Two beats of a resting heart."""
FULL_SCALE: Final = 0.999
MAX_CLIPPED: Final = 0.01
MIN_LEVEL_DB: Final = -50.0
"""dB re full scale of the loud frames; the converter's own noise is at about -98."""
MIN_STRENGTH: Final = 0.2
"""See `heart_rate.strength`. Lower than what a rate needs: an irregular heart is a heart too."""
MIN_SNR_DB: Final = 9.0
"""White noise reaches 4 dB, quiet rooms with a clean heart 20."""
FULL_SCALE_DB: Final = 26.0
"""What the bands of the shared spectrogram add up to for sound of mean square 1."""
SNR_BANDS: Final = 20
"""Lowest bands of the shared spectrogram, 20 to about 400 Hz: where heart sounds are."""


def assess(signal: Signal, heart_rate_bpm: float | None) -> Quality:
    """Judge the sound of a whole recording; `heart_rate_bpm` is `heart_rate.estimate` of it."""
    beating = heart_rate_bpm is not None or heart_rate.strength(signal) >= MIN_STRENGTH
    clipped = _clipped(signal)
    quiet_db, loud_db = _levels(signal)
    checks = {
        "too_short": signal.duration_s < MIN_DURATION_S,
        "too_quiet": loud_db < MIN_LEVEL_DB,
        "clipped": clipped > MAX_CLIPPED,
        "no_heartbeat": not beating,
        "noisy": loud_db - quiet_db < MIN_SNR_DB,
    }
    reasons = tuple(reason for reason, failed in checks.items() if failed)
    return Quality(not reasons, loud_db - quiet_db if beating else None, clipped, reasons)


def _levels(signal: Signal) -> tuple[float, float]:
    """Return the level of the sound between beats and of the beats, dB re full scale.

    The 20th and 95th percentile of the power of the frames: S1 and S2 fill about a quarter of a cycle.
    """
    power = 10 ** (signal.features(HEART)[:, :SNR_BANDS] / 10)
    quiet_db, loud_db = 10 * np.log10(np.percentile(power.sum(axis=1), (20, 95))) - FULL_SCALE_DB
    return float(quiet_db), float(loud_db)


def _clipped(signal: Signal) -> float:
    """Return the fraction of samples at full scale, 0..1."""
    samples = signal.samples
    if not len(samples) or max(samples.max(), -samples.min()) < FULL_SCALE:  # cheap, and nearly always enough
        return 0.0
    return float(np.count_nonzero(np.abs(samples) >= FULL_SCALE) / len(samples))
