"""Annotated heart sounds: what of each frame is S1, systole, S2 or diastole; other hearts made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.heart_cycle import FIRST_BOUNDARY_S, LABELS
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite.evaluation import audio
from models_tflite.evaluation.annotation import Annotation
from models_tflite.training.augmentation.augmentation import Random
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.corpus.datasets import dataset_folder, rows

FRAME_S: Final = HEART_LOG_MEL.hop_length / HEART_LOG_MEL.sample_rate
TEMPO: Final = 0.2
"""The whole heart beats up to so much slower or faster (in logarithms of time), as do parts of its cycle:"""
SOUND_LENGTH: Final = 0.15
SYSTOLE_LENGTH: Final = 0.25
DIASTOLE_LENGTH: Final = (-0.4, 0.7)
"""Hearts of children in, hearts of adults out: mostly it is diastole that is longer."""


@dataclass(frozen=True, slots=True)
class HeartStates:
    """One recording and what its frames are."""

    frames: Float32Array
    """The shared spectrogram, (frames, bands) in dB."""
    shares: Float32Array
    """How much of the 20 ms in the middle of each frame is S1, systole, S2 and diastole, (frames, 4)."""
    annotation: Annotation
    is_throughout: bool
    """A person could annotate nearly all of it: the sound is good."""
    subject: str


def load(data: Path) -> list[HeartStates]:
    """Read the annotated recordings of CirCor; raises TrainingError when there are none."""
    folder = dataset_folder(data, "circor")
    found = []
    for row in tqdm(list(rows(folder, "file", "subject")), "features", unit="file", disable=None):
        marks = folder / "segmentation" / f"{Path(row['file']).stem}.tsv"
        if marks.is_file():
            signal = audio.read(folder / row["file"])
            annotation = Annotation.read(marks, signal.duration_s)
            if annotation.annotated_intervals():
                frames = signal.features(HEART_LOG_MEL)
                found.append(
                    HeartStates(
                        frames,
                        shares(annotation, len(frames)),
                        annotation,
                        annotation.is_complete(signal.duration_s),
                        row["subject"],
                    )
                )
    if not found:
        raise TrainingError(f"{folder / 'segmentation'} holds no marks: unpack all of CirCor there")
    return found


def shares(annotation: Annotation, frames: int) -> Float32Array:
    """Return how much of each frame is S1, systole, S2 and diastole, (frames, 4); 0 where nobody said."""
    begin = FIRST_BOUNDARY_S + FRAME_S * np.arange(frames)
    of_frames = np.zeros((frames, len(LABELS)), dtype=np.float32)
    for start, end, state in annotation.states:
        if state:
            overlap = np.minimum(begin + FRAME_S, end) - np.maximum(begin, start)
            of_frames[:, state - 1] += (overlap / FRAME_S).clip(min=0)
    return of_frames


def folds(recordings: Sequence[HeartStates], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Return a fold for each recording; no subject is in two."""
    subjects, subject = np.unique([recording.subject for recording in recordings], return_inverse=True)
    return np.random.default_rng(seed).permutation(len(subjects))[subject] % count


def another_heart(recording: HeartStates, length: int, random: Random) -> tuple[Float32Array, Float32Array]:
    """Return `length` frames and shares of a recording as a heart of another rate would have made them."""
    slower = random.uniform(-TEMPO, TEMPO) + np.array(
        [
            random.uniform(-SOUND_LENGTH, SOUND_LENGTH),
            random.uniform(-SYSTOLE_LENGTH, SYSTOLE_LENGTH),
            random.uniform(-SOUND_LENGTH, SOUND_LENGTH),
            random.uniform(*DIASTOLE_LENGTH),
        ]
    )
    known = recording.shares.sum(axis=1)
    takes = recording.shares @ np.exp(slower) + (1 - known) * np.exp(slower).mean()
    until = np.concatenate(([0.0], np.cumsum(takes)))
    start = random.uniform(0, max(0.0, until[-1] - length))
    at = np.interp((start + np.arange(length)) % until[-1], until, np.arange(len(until)))
    frame = np.minimum(at.astype(int), len(takes) - 1)
    return recording.frames[frame], recording.shares[frame]
