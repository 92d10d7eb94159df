"""Cross-validation of the network of `segments` by subject: heart rate, S1 and S2 on unseen subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from edge_worker.inference import heart_segmenter
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.signal.arrays import Float32Array
from models_tflite.evaluation import beat_score, fast_hearts
from models_tflite.evaluation.annotation import Annotation
from models_tflite.evaluation.beat_score import SegmentedRecording
from models_tflite.training.corpus.annotated_recording import AnnotatedRecording, subject_folds
from models_tflite.training.networks import state_fit
from models_tflite.training.networks.state_network import HOP, LENGTH

THRESHOLD: Final = 0.35
"""Certainty under which no heart rate is given."""

SHIPPED_FORM: Final = "int8"
Network = Callable[[Float32Array], Float32Array]
"""Function from normalised windows (windows, frames, bands) to logits (windows, frames, 4)."""


@dataclass(frozen=True, slots=True)
class StatePrediction:
    """What a network finds in a recording that it was trained without."""

    recording: AnnotatedRecording
    certain: SegmentedRecording
    """With `THRESHOLD`."""
    any: SegmentedRecording
    """Without it."""
    answered: SegmentedRecording
    """As the worker answers: certain, and the quality gate found a heartbeat."""
    faster: tuple[SegmentedRecording, ...]
    """As the worker answers for the recording played faster; () where the network is not the shipped form."""


def cross_validate(
    recordings: Sequence[AnnotatedRecording], folds: int, epochs: int, seed: int
) -> dict[str, list[StatePrediction]]:
    """Return out-of-fold predictions of each recording, by networks that were trained without its subject.

    Under `int8` those of the network as it is shipped, under `float` those before its conversion.
    """
    predictions: dict[str, list[StatePrediction]] = {"int8": [], "float": []}
    fold = subject_folds(recordings, folds, seed)
    for k in range(folds):
        training = [each for each, its in zip(recordings, fold, strict=True) if its != k]
        held_out = [each for each, its in zip(recordings, fold, strict=True) if its == k]
        model = state_fit.fit(training, epochs, seed + k, f"fold {k + 1} of {folds}")
        networks: dict[str, Network] = {
            "int8": ModelInterpreter(state_fit.to_int8(model, training)).run,
            "float": model.predict_on_batch,
        }
        for form, network in networks.items():
            of_form = [_predict(each, network, faster=form == SHIPPED_FORM) for each in held_out]
            predictions[form] += of_form
    return predictions


def figures(predictions: Sequence[StatePrediction]) -> dict[str, Any]:
    """Return the figures of all and of good recordings, with and without `THRESHOLD`."""
    subsets = {
        "all": predictions,
        "annotated_throughout": [each for each in predictions if each.recording.is_complete],
    }
    scores: dict[str, Any] = {}
    for name, subset in subsets.items():
        if subset:
            scores[name] = beat_score.report([each.certain for each in subset])
            scores[f"{name}_without_threshold"] = beat_score.report([each.any for each in subset])
    return scores


def figures_by_rate(predictions: Sequence[StatePrediction]) -> dict[str, Any]:
    """Return the figures by true heart rate, of recordings as they are and played faster."""
    faster = [case for each in predictions for case in each.faster]
    return {
        "by_true_rate": beat_score.report_by_rate([each.answered for each in predictions]),
        "played_faster_by_true_rate": beat_score.report_by_rate(faster),
    }


def _predict(recording: AnnotatedRecording, network: Network, *, faster: bool) -> StatePrediction:
    frames, annotation, subject = recording.spectrogram, recording.annotation, recording.subject

    def segmented(frames: Float32Array, annotation: Annotation, threshold: float) -> SegmentedRecording:
        cycle = heart_segmenter.search(frames, network, LENGTH, HOP, threshold)
        return SegmentedRecording(cycle, annotation, subject)

    def answered(frames: Float32Array, case: SegmentedRecording) -> SegmentedRecording:
        return replace(case, heart_cycle=fast_hearts.as_answered(frames, case.heart_cycle))

    versions = recording.faster if faster else ()
    certain = segmented(frames, annotation, THRESHOLD)
    return StatePrediction(
        recording,
        certain,
        segmented(frames, annotation, 0.0),
        answered(frames, certain),
        tuple(answered(fast, segmented(fast, marks, THRESHOLD)) for fast, marks in versions),
    )
