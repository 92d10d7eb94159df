"""Fast hearts from slower ones: annotated recordings played faster, as few of the annotated hearts are fast.

Every sound gets shorter and higher by the same factor. In a fast heart it is mostly diastole that is shorter,
so these are harder to segment than true ones of their rate.
"""

from collections.abc import Iterator
from typing import Final

from edge_worker.signal import heart_rate, quality
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.heart_cycle import HeartCycle
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite.evaluation.annotation import Annotation

FACTORS: Final = (1.2, 1.4, 1.6, 1.8)
LOWEST_BPM: Final = 140
"""The annotated recordings hold enough slower hearts."""


def played_faster(signal: Signal, annotation: Annotation) -> Iterator[tuple[Float32Array, Annotation]]:
    """Yield the `HEART_LOG_MEL` spectrogram and annotation of each version between 140 and 220 bpm."""
    for factor in FACTORS:
        faster = annotation.played_faster(factor)
        bpm = faster.heart_rate_bpm()
        if bpm is not None and LOWEST_BPM <= bpm <= heart_rate.MAX_BPM:
            sound = Signal(signal.samples, round(signal.sample_rate * factor))
            yield sound.features(HEART_LOG_MEL), faster


def as_answered(frames: Float32Array, cycle: HeartCycle) -> HeartCycle:
    """Return the heart cycle that a result has: an empty one where quality finds no heartbeat.

    `frames` is the `HEART_LOG_MEL` spectrogram, (frames, bands).
    """
    duration_s = len(frames) * HEART_LOG_MEL.hop_length / HEART_LOG_MEL.sample_rate
    if "no_heartbeat" in quality.assess_frames(frames, duration_s, clipped=0.0).reasons:
        return HeartCycle((), (), None, cycle.certainty)
    return cycle
