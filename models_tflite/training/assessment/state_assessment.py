"""Cross-validation of the network of `segments` by subject: heart rate, S1 and S2 on unseen subjects."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from edge_worker.inference import heart_segmenter
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.signal import heart_cycle
from edge_worker.signal.arrays import Float32Array
from models_tflite.evaluation import beat_score
from models_tflite.evaluation.beat_score import SegmentedRecording
from models_tflite.training.corpus.annotated_recording import AnnotatedRecording, subject_folds
from models_tflite.training.networks import state_fit
from models_tflite.training.networks.state_network import HOP, LENGTH

THRESHOLD: Final = 0.35
"""Certainty under which no heart rate is given."""

StatePrediction = tuple[AnnotatedRecording, Float32Array]
"""A recording and its state probabilities, (frames, 4)."""


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
        runs: dict[str, Callable[[Float32Array], Float32Array]] = {
            "int8": ModelInterpreter(state_fit.to_int8(model, training)).run,
            "float": model.predict_on_batch,
        }
        for form, run in runs.items():
            predictions[form] += [
                (each, heart_segmenter.probabilities(each.spectrogram, run, LENGTH, HOP)) for each in held_out
            ]
    return predictions


def figures(predictions: Sequence[StatePrediction]) -> dict[str, Any]:
    """Return the figures of all recordings and of good ones, with and without `THRESHOLD`."""
    subsets = {
        "all": predictions,
        "annotated_throughout": [each for each in predictions if each[0].is_complete],
    }
    return {
        f"{name}{suffix}": beat_score.report([_case(each, threshold) for each in subset])
        for name, subset in subsets.items()
        if subset
        for suffix, threshold in (("", THRESHOLD), ("_without_threshold", 0.0))
    }


def _case(prediction: StatePrediction, threshold: float) -> SegmentedRecording:
    recording, probabilities = prediction
    return SegmentedRecording(
        heart_cycle.find_heart_cycle(probabilities, threshold), recording.annotation, recording.subject
    )
