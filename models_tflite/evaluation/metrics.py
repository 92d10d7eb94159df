"""Classification metrics with bootstrap intervals, shared by training and evaluation.

All functions are pure and accept leading axes. With the `weights` of `group_weights`, (draws, recordings),
one call gives a metric and its values for resampled patients, (draws,), from which `interval` takes its
bounds.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]

RESAMPLES: Final = 2000
"""Draws of a bootstrap."""
MIN_GROUPS: Final = 5
"""Fewest groups for which a bootstrap is meaningful."""
BINS: Final = 10
"""Bins of the reliability curve."""
Z95: Final = 1.96
"""Half-width of the central 95 % of a normal distribution, in standard deviations."""


def group_weights(groups: npt.NDArray[Any], resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """Return the weight of each recording per draw, (1 + resamples, recordings); the first row is all ones.

    A bootstrap over clusters: whole groups (patients, speakers) are drawn with replacement, because
    recordings of one group are right or wrong together (Efron & Tibshirani 1993; Field & Welsh 2007).
    Fewer than `MIN_GROUPS` groups are not resampled: their interval would be far too narrow.
    """
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < MIN_GROUPS:
        resamples = 0
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), resamples
    )
    once = np.ones((1, len(names)))
    weights: FloatArray = np.concatenate([once, drawn])[:, group].astype(np.float32)
    return weights


def interval(draws: FloatArray) -> list[float] | None:
    """Return the bounds of the central 95 % of the resamples of a metric, (1 + resamples,).

    None when the metric is not defined or there are no resamples.
    """
    resampled = draws[1:][np.isfinite(draws[1:])]
    return (
        [round(float(bound), 4) for bound in np.percentile(resampled, (2.5, 97.5))]
        if len(resampled)
        else None
    )


def wilson(right: int, n: int) -> list[float]:
    """Return the 95 % interval of a proportion `right` of `n`; its width is never 0 (Wilson 1927)."""
    centre = (right + Z95**2 / 2) / (n + Z95**2)
    half = Z95 / (n + Z95**2) * math.sqrt(right * (n - right) / n + Z95**2 / 4)
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


def confusion(
    truth: IntArray, predicted: IntArray, classes: int, weights: FloatArray | None = None
) -> FloatArray:
    """Return the confusion matrix, (..., classes, classes): rows are true classes, columns predicted ones."""
    used, column = np.unique(truth * classes + predicted, return_inverse=True)
    counted = _weights(weights, len(truth)) @ np.eye(len(used), dtype=np.float32)[column]
    counts = np.zeros((*counted.shape[:-1], classes * classes))
    counts[..., used] = counted
    return counts.reshape(*counted.shape[:-1], classes, classes)


def recall(counts: FloatArray) -> FloatArray:
    """Return the recall of each class, (..., classes); NaN for a class without recordings."""
    return _ratio(_hits(counts), counts.sum(axis=-1))


def precision(counts: FloatArray) -> FloatArray:
    """Return the precision of each class, (..., classes); NaN for a class that was never predicted."""
    return _ratio(_hits(counts), counts.sum(axis=-2))


def f1(counts: FloatArray) -> FloatArray:
    """Return the F1 score of each class, (..., classes); NaN for a class without recordings."""
    actual, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    return np.where(actual > 0, _ratio(2 * _hits(counts), actual + predicted), np.nan)


def per_class(counts: FloatArray, labels: tuple[str, ...]) -> dict[str, dict[str, float | int | None]]:
    """Return n, precision, recall and F1 of each label; None where a metric is not defined."""
    figures = (precision(counts), recall(counts), f1(counts))
    return {
        label: {
            "n": int(counts[i].sum()),
            **{name: number(of[i]) for name, of in zip(("precision", "recall", "f1"), figures, strict=True)},
        }
        for i, label in enumerate(labels)
    }


def accuracy(counts: FloatArray) -> FloatArray:
    """Return the fraction of recordings with the right label, (...)."""
    return _ratio(_hits(counts).sum(axis=-1), counts.sum(axis=(-1, -2)))


def balanced_accuracy(counts: FloatArray) -> FloatArray:
    """Return the mean recall over the classes with recordings (macro recall), (...)."""
    return _nan_mean(recall(counts))


def macro_f1(counts: FloatArray) -> FloatArray:
    """Return the mean F1 over the classes with recordings, (...)."""
    return _nan_mean(f1(counts))


def share(chosen: BoolArray, among: BoolArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the fraction of the recordings `among` that are `chosen`, (...); NaN when there are none."""
    counted = _weights(weights, len(chosen))
    return _ratio(counted @ (chosen & among), counted @ among)


def auc(positive: BoolArray, score: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the area under the ROC curve, (...); NaN with one class only.

    It is the probability that a positive scores above a negative, where ties count half (Mann-Whitney U).
    """
    order = np.argsort(score)
    _, first = np.unique(score[order], return_index=True)
    counted = _weights(weights, len(score))[..., order].astype(np.float64)
    positives = np.add.reduceat(counted * positive[order], first, axis=-1)
    negatives = np.add.reduceat(counted * ~positive[order], first, axis=-1)
    below = negatives.cumsum(axis=-1) - negatives / 2
    return _ratio((positives * below).sum(axis=-1), positives.sum(axis=-1) * negatives.sum(axis=-1))


def expected_calibration_error(
    correct: BoolArray, confidence: FloatArray, bins: int = BINS, weights: FloatArray | None = None
) -> FloatArray:
    """Return the expected calibration error over equal bins of confidence, (...) (Naeini et al. 2015)."""
    member = _bins(confidence, bins)
    gaps = _weights(weights, len(correct)) @ (member * (correct - confidence)[:, np.newaxis])
    return _ratio(np.abs(gaps).sum(axis=-1), _weights(weights, len(correct)).sum(axis=-1))


def reliability(correct: BoolArray, confidence: FloatArray, bins: int = BINS) -> list[dict[str, float | int]]:
    """Return the reliability curve: n, mean confidence and accuracy of each bin that is not empty."""
    member = _bins(confidence, bins) > 0
    return [
        {
            "from": round(b / bins, 3),
            "to": round((b + 1) / bins, 3),
            "n": int(member[:, b].sum()),
            "confidence": round(float(confidence[member[:, b]].mean()), 4),
            "accuracy": round(float(correct[member[:, b]].mean()), 4),
        }
        for b in np.flatnonzero(member.any(axis=0)).tolist()
    ]


def number(metric: FloatArray | float) -> float | None:
    """Return a metric for JSON: four decimals, None for NaN."""
    return round(float(metric), 4) if np.isfinite(metric) else None


def _bins(confidence: FloatArray, bins: int) -> FloatArray:
    """Return the bin of each confidence, one-hot (recordings, bins)."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    member: FloatArray = np.eye(bins)[index]
    return member


def _weights(weights: FloatArray | None, recordings: int) -> FloatArray:
    return np.ones(recordings, dtype=np.float32) if weights is None else weights


def _hits(counts: FloatArray) -> FloatArray:
    return counts.diagonal(axis1=-2, axis2=-1)


def _nan_mean(values: FloatArray) -> FloatArray:
    """Return the mean over the last axis, without NaN, (...)."""
    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> FloatArray:
    """Return part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    undefined = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    quotient: FloatArray = np.divide(part, whole, out=undefined, where=whole > 0)[()]
    return quotient
