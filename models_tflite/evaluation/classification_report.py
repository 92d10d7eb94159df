"""Classification report: all metrics of a model on labelled recordings, with intervals, as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_tflite.evaluation import metrics
from models_tflite.evaluation.metrics import BoolArray, FloatArray, IntArray

BINARY: Final = 2
"""Number of labels with one ROC curve; the second label is the positive one."""


@dataclass(frozen=True, slots=True)
class LabelledPredictions:
    """Predictions for labelled recordings; every array has one entry per recording."""

    targets: IntArray
    """Index of the true label; the number of labels stands for none of them, to be rejected."""
    probabilities: FloatArray
    """(recordings, outputs): of the labels and, for models with a background output, of none of them."""
    accepted: BoolArray
    """Whether the label is accepted."""
    groups: npt.NDArray[np.str_]
    """Source of each recording: patient, actor or speaker."""

    def subset(self, chosen: BoolArray) -> "LabelledPredictions":
        """Return the predictions for the recordings where `chosen` is true."""
        return LabelledPredictions(
            self.targets[chosen], self.probabilities[chosen], self.accepted[chosen], self.groups[chosen]
        )


def is_accepted(probabilities: FloatArray, labels: int, threshold: float | FloatArray) -> BoolArray:
    """Return whether the best label reaches the threshold and is more likely than none of the labels.

    A threshold of 1 accepts none, however sure.
    `probabilities` are (recordings, outputs), the result is (recordings,).
    """
    confidence = probabilities[:, :labels].max(axis=1)
    reaches = (confidence >= threshold) & (np.asarray(threshold) < 1)
    accepted: BoolArray = reaches & (confidence == probabilities.max(axis=1))
    return accepted


def classification_report(
    predictions: LabelledPredictions, labels: tuple[str, ...], resamples: int = metrics.RESAMPLES
) -> dict[str, Any]:
    """Return every metric, each with the 95 % interval of a bootstrap over the groups.

    Recordings with none of the labels count in `background` only. Metrics that these recordings do not allow
    are None.
    """
    known = predictions.targets < len(labels)
    report: dict[str, Any] = {"n": int(known.sum()), "groups": len(np.unique(predictions.groups[known]))}
    if known.any():
        report |= _label_metrics(predictions.subset(known), labels, resamples)
    if not known.all():
        report["background"] = _background_metrics(predictions.subset(~known), resamples)
    return report


def _label_metrics(
    predictions: LabelledPredictions, labels: tuple[str, ...], resamples: int
) -> dict[str, Any]:
    """Return the metrics of recordings that have one of the labels."""
    weights = metrics.group_weights(predictions.groups, resamples)
    scores = predictions.probabilities[:, : len(labels)]
    predicted, confidence = scores.argmax(axis=1), scores.max(axis=1)
    correct, everything = predicted == predictions.targets, np.ones(len(predicted), dtype=bool)
    counts = metrics.confusion(predictions.targets, predicted, len(labels), weights)
    draws: dict[str, FloatArray] = {
        "accuracy": metrics.accuracy(counts),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "expected_calibration_error": metrics.expected_calibration_error(
            correct, confidence, weights=weights
        ),
        "accepted_fraction": metrics.share(predictions.accepted, everything, weights),
        "accuracy_when_accepted": metrics.share(correct, predictions.accepted, weights),
    }
    if len(labels) == BINARY:
        draws["auc"] = metrics.auc(predictions.targets == 1, scores[:, 1], weights)
        draws["specificity"], draws["sensitivity"] = np.moveaxis(metrics.recall(counts), -1, 0)
    return {
        "auc": None,
        **_with_intervals(draws),
        "per_class": _per_class(counts, labels),
        "confusion": counts[0].astype(int).tolist(),
        "reliability": metrics.reliability(correct, confidence),
    }


def _per_class(counts: FloatArray, labels: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return precision, recall and F1 of each label from counts (1 + resamples, labels, labels)."""
    metrics_of: dict[str, Callable[[FloatArray], FloatArray]] = {
        "precision": metrics.precision,
        "recall": metrics.recall,
        "f1": metrics.f1,
    }
    draws = {name: metric(counts) for name, metric in metrics_of.items()}
    return {
        label: {
            "n": int(counts[0, i].sum()),
            **_with_intervals({name: values[:, i] for name, values in draws.items()}),
        }
        for i, label in enumerate(labels)
    }


def _background_metrics(predictions: LabelledPredictions, resamples: int) -> dict[str, Any]:
    """Return how many recordings with none of the labels are rejected."""
    weights = metrics.group_weights(predictions.groups, resamples)
    rejected = metrics.share(~predictions.accepted, np.ones(len(predictions.accepted), dtype=bool), weights)
    return {
        "n": len(predictions.accepted),
        "groups": len(np.unique(predictions.groups)),
        **_with_intervals({"rejected": rejected}),
    }


def _with_intervals(draws: dict[str, FloatArray]) -> dict[str, Any]:
    """Return the metrics, and `intervals` with the bounds of each."""
    return {
        **{name: metrics.number(values[0]) for name, values in draws.items()},
        "intervals": {name: metrics.interval(values) for name, values in draws.items()},
    }
