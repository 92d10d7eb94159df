"""Recordings of CirCor with the annotated share of S1, systole, S2 and diastole in each frame."""

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
from models_tflite.evaluation import audio, fast_hearts
from models_tflite.evaluation.annotation import Annotation
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.corpus.datasets import dataset_folder, read_labels

FRAME_S: Final = HEART_LOG_MEL.hop_length / HEART_LOG_MEL.sample_rate


@dataclass(frozen=True, slots=True)
class AnnotatedRecording:
    """One recording, its spectrogram and the states of its frames."""

    spectrogram: Float32Array
    """The log-mel spectrogram of heart sounds, (frames, bands) in dB."""
    shares: Float32Array
    """Share of S1, systole, S2 and diastole in the 20 ms in the middle of each frame, (frames, 4)."""
    annotation: Annotation
    is_complete: bool
    """Whether nearly all of it is annotated: the sound is good."""
    subject: str
    faster: tuple[tuple[Float32Array, Annotation], ...] = ()
    """Spectrogram and annotation of each version that is played faster, to evaluate on (`fast_hearts`)."""


def load(data: Path) -> list[AnnotatedRecording]:
    """Return the annotated recordings of CirCor; raise TrainingError when there are none."""
    folder = dataset_folder(data, "circor")
    recordings = []
    for row in tqdm(list(read_labels(folder, "file", "subject")), "features", unit="file", disable=None):
        marks = folder / "segmentation" / f"{Path(row['file']).stem}.tsv"
        if marks.is_file():
            signal = audio.read(folder / row["file"])
            annotation = Annotation.read(marks, signal.duration_s)
            if annotation.annotated_intervals():
                spectrogram = signal.features(HEART_LOG_MEL)
                recordings.append(
                    AnnotatedRecording(
                        spectrogram,
                        state_shares(annotation, len(spectrogram)),
                        annotation,
                        annotation.is_complete(signal.duration_s),
                        row["subject"],
                        tuple(fast_hearts.played_faster(signal, annotation)),
                    )
                )
    if not recordings:
        raise TrainingError(f"{folder / 'segmentation'} holds no marks: unpack all of CirCor there")
    return recordings


def state_shares(annotation: Annotation, frames: int) -> Float32Array:
    """Return the share of S1, systole, S2 and diastole in each frame, (frames, 4); 0 where not annotated."""
    begin = FIRST_BOUNDARY_S + FRAME_S * np.arange(frames)
    shares = np.zeros((frames, len(LABELS)), dtype=np.float32)
    for start, end, state in annotation.states:
        if state:
            overlap = np.minimum(begin + FRAME_S, end) - np.maximum(begin, start)
            shares[:, state - 1] += (overlap / FRAME_S).clip(min=0)
    return shares


def subject_folds(recordings: Sequence[AnnotatedRecording], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Return a fold for each recording, (recordings,); no subject is in two."""
    subjects, subject = np.unique([recording.subject for recording in recordings], return_inverse=True)
    return np.random.default_rng(seed).permutation(len(subjects))[subject] % count
