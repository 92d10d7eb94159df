"""Honest confidence: one temperature for the logits, one threshold for the answer."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

from edge_worker.features import Float32Array

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]


def recording_probabilities(logits: Float32Array, owner: IntArray, temperature: float) -> FloatArray:
    """Return the mean probabilities of each recording's windows: (recordings, labels), as the worker does."""
    scaled = logits / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities = raised / raised.sum(axis=1, keepdims=True)
    total = np.zeros((owner.max() + 1, logits.shape[1]))
    np.add.at(total, owner, probabilities)
    return total / np.bincount(owner)[:, np.newaxis]


def fit_temperature(logits: Float32Array, owner: IntArray, targets: IntArray) -> float:
    """Return the temperature that makes recordings never trained on likeliest (Guo et al. 2017)."""

    def surprise(log_temperature: float) -> float:
        probabilities = recording_probabilities(logits, owner, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(targets)), targets] + 1e-9).mean())

    found = scipy.optimize.minimize_scalar(surprise, bounds=(np.log(0.2), np.log(5)), method="bounded")
    return float(np.exp(found.x))


def fit_threshold(probabilities: FloatArray, coverage: float) -> float:
    """Return the confidence that this share of recordings reaches."""
    return float(np.quantile(probabilities.max(axis=1), 1 - coverage))
