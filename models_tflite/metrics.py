"""Figures of classification: pure functions from arrays to numbers, the same for training and evaluation."""

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.floating[Any]]


def confusion(truth: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Return counts of shape (classes, classes): rows are the truth, columns what was said."""
    counts = np.zeros((classes, classes), dtype=np.intp)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def per_class(counts: IntArray, labels: tuple[str, ...]) -> dict[str, dict[str, float | int | None]]:
    """Return n, precision, recall and F1 of each label; None where nothing of the class was there."""
    hits = counts.diagonal()
    truly, said = counts.sum(axis=1), counts.sum(axis=0)
    return {
        label: {
            "n": int(truly[i]),
            "precision": _ratio(hits[i], said[i]),
            "recall": _ratio(hits[i], truly[i]),
            "f1": _ratio(2 * hits[i], truly[i] + said[i]) if truly[i] else None,
        }
        for i, label in enumerate(labels)
    }


def accuracy(counts: IntArray) -> float:
    """Return the share of files whose label was right."""
    return float(counts.trace() / counts.sum())


def balanced_accuracy(counts: IntArray) -> float:
    """Return the mean recall over the classes that are there (macro recall)."""
    there = counts.sum(axis=1) > 0
    return float((counts.diagonal()[there] / counts.sum(axis=1)[there]).mean())


def macro_f1(counts: IntArray) -> float:
    """Return the mean F1 over the classes that are there."""
    there = counts.sum(axis=1) > 0
    f1 = 2 * counts.diagonal()[there] / (counts.sum(axis=1) + counts.sum(axis=0))[there]
    return float(f1.mean())


def auc(positive: npt.NDArray[np.bool_], score: FloatArray) -> float | None:
    """Return the area under the ROC curve, None with one class only.

    The rank form (Mann-Whitney U): the chance that a positive scores above a negative, ties by half.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = counts.cumsum() - (counts - 1) / 2
    rank_sum = mean_rank[inverse][positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def expected_calibration_error(
    correct: npt.NDArray[np.bool_], confidence: FloatArray, bins: int = 10
) -> float:
    """Return the mean gap between confidence and accuracy over equal bins (Naeini et al. 2015)."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[index == b].mean() - confidence[index == b].mean()) * (index == b).mean()
        for b in range(bins)
        if (index == b).any()
    ]
    return float(np.sum(gaps))


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
