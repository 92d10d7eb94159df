"""What a model reached on recordings whose truth is known, as one JSON document with intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_tflite.evaluation import metrics
from models_tflite.evaluation.metrics import BoolArray, FloatArray, IntArray

TWO: Final = 2
"""Labels that have one ROC curve: the second is what is looked for."""


@dataclass(frozen=True, slots=True)
class LabelledPredictions:
    """Recordings that were judged; one entry per recording everywhere."""

    targets: IntArray
    """Index of the true label; one past the last label: none of them, to be rejected."""
    probabilities: FloatArray
    """(recordings, outputs): of the labels and, where the model knows it, of none of them."""
    accepted: BoolArray
    """Whether the label would be shown."""
    groups: npt.NDArray[np.str_]
    """Whom each is from: a patient, an actor, a speaker."""

    def subset(self, chosen: BoolArray) -> "LabelledPredictions":
        """Return the recordings where `chosen` is true."""
        return LabelledPredictions(
            self.targets[chosen], self.probabilities[chosen], self.accepted[chosen], self.groups[chosen]
        )


def is_accepted(probabilities: FloatArray, labels: int, threshold: float | FloatArray) -> BoolArray:
    """Return where the best label reaches the threshold and is likelier than none of the labels."""
    confidence = probabilities[:, :labels].max(axis=1)
    accepted: BoolArray = (confidence >= threshold) & (confidence == probabilities.max(axis=1))
    return accepted


def classification_report(
    judged: LabelledPredictions, labels: tuple[str, ...], resamples: int = metrics.RESAMPLES
) -> dict[str, Any]:
    """Return every figure, each with the 95 % interval that a bootstrap over the groups gives.

    Recordings that are none of the labels count in `background` only. What cannot be measured on these
    recordings is None.
    """
    known = judged.targets < len(labels)
    report: dict[str, Any] = {"n": int(known.sum()), "groups": len(np.unique(judged.groups[known]))}
    if known.any():
        report |= _labelled(judged.subset(known), labels, resamples)
    if not known.all():
        report["background"] = _rejected(judged.subset(~known), resamples)
    return report


def _labelled(judged: LabelledPredictions, labels: tuple[str, ...], resamples: int) -> dict[str, Any]:
    weights = metrics.group_weights(judged.groups, resamples)
    said = judged.probabilities[:, : len(labels)]
    predicted, confidence = said.argmax(axis=1), said.max(axis=1)
    correct, everything = predicted == judged.targets, np.ones(len(predicted), dtype=bool)
    counts = metrics.confusion(judged.targets, predicted, len(labels), weights)
    draws: dict[str, FloatArray] = {
        "accuracy": metrics.accuracy(counts),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "expected_calibration_error": metrics.expected_calibration_error(
            correct, confidence, weights=weights
        ),
        "accepted_fraction": metrics.share(judged.accepted, everything, weights),
        "accuracy_when_accepted": metrics.share(correct, judged.accepted, weights),
    }
    if len(labels) == TWO:
        draws["auc"] = metrics.auc(judged.targets == 1, said[:, 1], weights)
        draws["specificity"], draws["sensitivity"] = np.moveaxis(metrics.recall(counts), -1, 0)
    return {
        "auc": None,
        **_with_intervals(draws),
        "per_class": _per_class(counts, labels),
        "confusion": counts[0].astype(int).tolist(),
        "reliability": metrics.reliability(correct, confidence),
    }


def _per_class(counts: FloatArray, labels: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return precision, recall and F1 of each label, of counts (1 + resamples, labels, labels)."""
    of_class: dict[str, Callable[[FloatArray], FloatArray]] = {
        "precision": metrics.precision,
        "recall": metrics.recall,
        "f1": metrics.f1,
    }
    draws = {name: figure(counts) for name, figure in of_class.items()}
    return {
        label: {
            "n": int(counts[0, i].sum()),
            **_with_intervals({name: values[:, i] for name, values in draws.items()}),
        }
        for i, label in enumerate(labels)
    }


def _rejected(judged: LabelledPredictions, resamples: int) -> dict[str, Any]:
    weights = metrics.group_weights(judged.groups, resamples)
    rejected = metrics.share(~judged.accepted, np.ones(len(judged.accepted), dtype=bool), weights)
    return {
        "n": len(judged.accepted),
        "groups": len(np.unique(judged.groups)),
        **_with_intervals({"rejected": rejected}),
    }


def _with_intervals(draws: dict[str, FloatArray]) -> dict[str, Any]:
    """Return the figures, and `intervals` with the bounds of each."""
    return {
        **{name: metrics.number(values[0]) for name, values in draws.items()},
        "intervals": {name: metrics.interval(values) for name, values in draws.items()},
    }
