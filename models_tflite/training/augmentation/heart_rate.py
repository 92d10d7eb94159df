"""Augmentation of annotated heart sounds: the same recording at another heart rate."""

from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.annotated_recording import AnnotatedRecording

TEMPO: Final = 0.2
"""The whole cycle gets up to so much longer or shorter (in logarithms of time), as do its states:"""
SOUND_LENGTH: Final = 0.15
SYSTOLE_LENGTH: Final = 0.25
DIASTOLE_LENGTH: Final = (-0.4, 0.7)
"""Hearts of children in, hearts of adults out: mostly it is diastole that is longer."""


def change_heart_rate(
    recording: AnnotatedRecording, length: int, rng: np.random.Generator
) -> tuple[Float32Array, Float32Array]:
    """Return `length` frames of a recording and their states, each state stretched by a random factor.

    Shapes: (length, bands) in dB, (length, 4).
    """
    slower = rng.uniform(-TEMPO, TEMPO) + np.array(
        [
            rng.uniform(-SOUND_LENGTH, SOUND_LENGTH),
            rng.uniform(-SYSTOLE_LENGTH, SYSTOLE_LENGTH),
            rng.uniform(-SOUND_LENGTH, SOUND_LENGTH),
            rng.uniform(*DIASTOLE_LENGTH),
        ]
    )
    annotated = recording.shares.sum(axis=1)
    durations = recording.shares @ np.exp(slower) + (1 - annotated) * np.exp(slower).mean()
    ends = np.concatenate(([0.0], np.cumsum(durations)))
    start = rng.uniform(0, max(0.0, ends[-1] - length))
    position = np.interp((start + np.arange(length)) % ends[-1], ends, np.arange(len(ends)))
    frame = np.minimum(position.astype(int), len(durations) - 1)
    return recording.spectrogram[frame], recording.shares[frame]
