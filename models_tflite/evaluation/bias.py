"""Bias of a device: log odds of recordings, abnormal to normal, and probabilities that are shifted by it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.adaptation import LEAST_PROBABILITY

Probabilities = npt.NDArray[np.floating[Any]]

NORMAL: Final = 0
ABNORMAL: Final = 1
"""Indices of the labels of a model of normal and abnormal hearts."""


def log_odds(probabilities: Probabilities) -> Probabilities:
    """Return ln(p(abnormal) / p(normal)) of probabilities (recordings, outputs), limited as in the worker."""
    limited = np.maximum(probabilities, LEAST_PROBABILITY)
    odds: Probabilities = np.log(limited[:, ABNORMAL] / limited[:, NORMAL])
    return odds


def shifted(probabilities: Probabilities, shift: float) -> Probabilities:
    """Return probabilities (recordings, outputs) with a bias taken off, as `adaptation.shifted` does."""
    total = probabilities[:, NORMAL] + probabilities[:, ABNORMAL]
    moved = probabilities[:, ABNORMAL] * np.exp(-shift)
    result = probabilities.copy()
    result[:, ABNORMAL] = total * moved / (moved + probabilities[:, NORMAL])
    result[:, NORMAL] = total - result[:, ABNORMAL]
    return result
