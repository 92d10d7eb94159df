"""Figures of classification: pure functions from arrays to numbers, the same for training and evaluation.

Each takes leading axes: with the `weights` of `group_weights`, (draws, recordings), one call gives a figure
and what it would have been with other patients, (draws,); `interval` is what lies between.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]

RESAMPLES: Final = 2000
FEW: Final = 5
"""Groups under which a bootstrap says nothing."""
BINS: Final = 10
"""Of the reliability curve."""
Z95: Final = 1.96
"""Standard deviations that 95 % of a normal distribution lie within."""


def group_weights(groups: npt.NDArray[Any], resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """Return how often each recording counts, (1 + resamples, recordings): once, then as drawn.

    The bootstrap over clusters: whole groups (patients, speakers) are drawn with replacement, because
    recordings of one group are right or wrong together (Efron & Tibshirani 1993; Field & Welsh 2007).
    Fewer than `FEW` groups are not drawn at all: their interval would be far too narrow.
    """
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < FEW:
        resamples = 0
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), resamples
    )
    once = np.ones((1, len(names)))
    weights: FloatArray = np.concatenate([once, drawn])[:, group].astype(np.float32)
    return weights


def interval(draws: FloatArray) -> list[float] | None:
    """Return the bounds that 95 % of the resamples of a figure, (1 + resamples,), lie in.

    None: there is no figure, or no resample.
    """
    resampled = draws[1:][np.isfinite(draws[1:])]
    return (
        [round(float(bound), 4) for bound in np.percentile(resampled, (2.5, 97.5))]
        if len(resampled)
        else None
    )


def wilson(right: int, n: int) -> list[float]:
    """Return the 95 % interval of a share of n; it has width even where all are right (Wilson 1927)."""
    centre = (right + Z95**2 / 2) / (n + Z95**2)
    half = Z95 / (n + Z95**2) * math.sqrt(right * (n - right) / n + Z95**2 / 4)
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


def confusion(
    truth: IntArray, predicted: IntArray, classes: int, weights: FloatArray | None = None
) -> FloatArray:
    """Return counts of shape (..., classes, classes): rows are the truth, columns what was said."""
    used, column = np.unique(truth * classes + predicted, return_inverse=True)
    counted = _counted(weights, len(truth)) @ np.eye(len(used), dtype=np.float32)[column]
    counts = np.zeros((*counted.shape[:-1], classes * classes))
    counts[..., used] = counted
    return counts.reshape(*counted.shape[:-1], classes, classes)


def recall(counts: FloatArray) -> FloatArray:
    """Return the share of each class that was found, (..., classes); NaN for a class that is not there."""
    return _ratio(_hits(counts), counts.sum(axis=-1))


def precision(counts: FloatArray) -> FloatArray:
    """Return how often each label was right when it was said, (..., classes); NaN when it never was."""
    return _ratio(_hits(counts), counts.sum(axis=-2))


def f1(counts: FloatArray) -> FloatArray:
    """Return the harmonic mean of precision and recall, (..., classes); NaN for a class that is not there."""
    truly, said = counts.sum(axis=-1), counts.sum(axis=-2)
    return np.where(truly > 0, _ratio(2 * _hits(counts), truly + said), np.nan)


def per_class(counts: FloatArray, labels: tuple[str, ...]) -> dict[str, dict[str, float | int | None]]:
    """Return n, precision, recall and F1 of each label; None where nothing of the class was there."""
    figures = (precision(counts), recall(counts), f1(counts))
    return {
        label: {
            "n": int(counts[i].sum()),
            **{name: number(of[i]) for name, of in zip(("precision", "recall", "f1"), figures, strict=True)},
        }
        for i, label in enumerate(labels)
    }


def accuracy(counts: FloatArray) -> FloatArray:
    """Return the share of recordings whose label was right, (...)."""
    return _ratio(_hits(counts).sum(axis=-1), counts.sum(axis=(-1, -2)))


def balanced_accuracy(counts: FloatArray) -> FloatArray:
    """Return the mean recall over the classes that are there (macro recall), (...)."""
    return _mean_of_numbers(recall(counts))


def macro_f1(counts: FloatArray) -> FloatArray:
    """Return the mean F1 over the classes that are there, (...)."""
    return _mean_of_numbers(f1(counts))


def share(chosen: BoolArray, among: BoolArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the share of the recordings `among` that are `chosen`, (...); NaN among none."""
    counted = _counted(weights, len(chosen))
    return _ratio(counted @ (chosen & among), counted @ among)


def auc(positive: BoolArray, score: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the area under the ROC curve, (...); NaN with one class only.

    The chance that a positive scores above a negative, ties by half (Mann-Whitney U).
    """
    order = np.argsort(score)
    _, first = np.unique(score[order], return_index=True)
    counted = _counted(weights, len(score))[..., order].astype(np.float64)
    positives = np.add.reduceat(counted * positive[order], first, axis=-1)
    negatives = np.add.reduceat(counted * ~positive[order], first, axis=-1)
    below = negatives.cumsum(axis=-1) - negatives / 2
    return _ratio((positives * below).sum(axis=-1), positives.sum(axis=-1) * negatives.sum(axis=-1))


def expected_calibration_error(
    correct: BoolArray, confidence: FloatArray, bins: int = BINS, weights: FloatArray | None = None
) -> FloatArray:
    """Return the mean gap between confidence and accuracy over equal bins, (...) (Naeini et al. 2015)."""
    member = _bins(confidence, bins)
    gaps = _counted(weights, len(correct)) @ (member * (correct - confidence)[:, np.newaxis])
    return _ratio(np.abs(gaps).sum(axis=-1), _counted(weights, len(correct)).sum(axis=-1))


def reliability(correct: BoolArray, confidence: FloatArray, bins: int = BINS) -> list[dict[str, float | int]]:
    """Return n, mean confidence and accuracy of each bin that holds any; honest is where they agree."""
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


def number(figure: FloatArray | float) -> float | None:
    """Return a figure as JSON can hold it: four digits, None for NaN."""
    return round(float(figure), 4) if np.isfinite(figure) else None


def _bins(confidence: FloatArray, bins: int) -> FloatArray:
    """Return which of equal bins each confidence lies in, one-hot (recordings, bins)."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    member: FloatArray = np.eye(bins)[index]
    return member


def _counted(weights: FloatArray | None, recordings: int) -> FloatArray:
    return np.ones(recordings, dtype=np.float32) if weights is None else weights


def _hits(counts: FloatArray) -> FloatArray:
    return counts.diagonal(axis1=-2, axis2=-1)


def _mean_of_numbers(values: FloatArray) -> FloatArray:
    """Return the mean over the last axis of what is no NaN, (...)."""
    there = np.isfinite(values)
    return _ratio(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> FloatArray:
    """Return part / whole, NaN where the whole is nothing."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    nothing = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    quotient: FloatArray = np.divide(part, whole, out=nothing, where=whole > 0)[()]
    return quotient
