"""Calibration on unseen recordings: a temperature for the logits, a threshold for the confidence."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from edge_worker.inference.softmax import softmax
from edge_worker.signal.arrays import Float32Array
from models_tflite.evaluation.classification_report import is_accepted

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]

MIN_THRESHOLD: Final = 0.5
"""Lowest threshold that `rejection` gives."""
THRESHOLD_STEPS: Final = 1000
"""Thresholds are rounded up to the three digits of a card."""


def recording_probabilities(logits: Float32Array, owner: IntArray, temperature: float) -> FloatArray:
    """Return the mean probabilities of each recording's windows, as the worker: (recordings, outputs)."""
    probabilities = softmax((logits / np.float32(temperature)).astype(np.float64))
    total = np.zeros((owner.max() + 1, logits.shape[1]))
    np.add.at(total, owner, probabilities)
    return total / np.bincount(owner)[:, np.newaxis]


def fit_temperature(logits: Float32Array, owner: IntArray, targets: IntArray) -> float:
    """Return the temperature that maximises the likelihood of unseen recordings (Guo et al. 2017)."""

    def cross_entropy(log_temperature: float) -> float:
        probabilities = recording_probabilities(logits, owner, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(targets)), targets] + 1e-9).mean())

    best = scipy.optimize.minimize_scalar(cross_entropy, bounds=(np.log(0.2), np.log(5)), method="bounded")
    return float(np.exp(best.x))


def fit_threshold(
    probabilities: FloatArray,
    targets: IntArray,
    labels: int,
    coverage: float,
    rejection: float | None,
    *,
    sites: npt.NDArray[np.str_] | None = None,
) -> float:
    """Return the confidence from which on a label is accepted, fitted on unseen recordings.

    With `rejection`, the lowest, from one half on, that rejects this share of the background recordings, at
    each of their `sites`: many easy sounds must not hide that words pass. Without, or where there is no
    background, the one that `coverage`, a share of the other recordings, reaches. Rounded up to the digits of
    a card.
    """
    confidence = probabilities[:, :labels].max(axis=1)
    others = targets == labels
    if rejection is None or not others.any():
        threshold = float(np.quantile(confidence[~others], 1 - coverage))
    else:
        tempting = np.where(is_accepted(probabilities, labels, 0.0), confidence, 0.0)[others]
        site = np.zeros(len(tempting)) if sites is None else sites[others]
        just_rejected = max(
            np.quantile(tempting[site == s], rejection, method="higher") for s in np.unique(site)
        )
        threshold = max(MIN_THRESHOLD, float(np.nextafter(just_rejected, 1)))
    return min(1.0, math.ceil(threshold * THRESHOLD_STEPS) / THRESHOLD_STEPS)


def threshold_rule(coverage: float, rejection: float | None, *, has_others: bool) -> str:
    """Return how `fit_threshold` chooses, in words for the card."""
    if rejection is None or not has_others:
        return f"the confidence that {100 * coverage:g} % of recordings never trained on reach"
    others = f"{100 * rejection:g} % of sounds that are none of the labels, of each source"
    return f"the lowest confidence, from 0.5 on, that rejects {others}"
