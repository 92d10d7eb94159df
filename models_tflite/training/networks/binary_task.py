"""A yes-or-no question about sounds, answered by logistic regression from their measures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models_tflite.training.networks import logistic_regression
from models_tflite.training.networks.logistic_regression import FloatArray

BoolArray = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]

BALANCE: float = 0.5
"""A cell counts by its size to the power of 1 - this: large ones more, but not as much as they are larger."""


@dataclass(frozen=True, slots=True)
class BinaryTask:
    """Sounds and what is known of them."""

    x: FloatArray
    """(2, sounds, columns): standardised measures and their squares, as heard at first and elsewhere."""
    is_labelled: BoolArray
    """(sounds,): which have a known answer."""
    label: BoolArray
    """(sounds,)"""
    is_used: BoolArray
    """(columns,): which may count."""
    stratum: Names
    """(sounds,): kind and site, which count more evenly than they are large."""

    def fit_weights(self, rows: BoolArray) -> FloatArray:
        """Return weights (columns + 1,), the bias last, learned from these sounds as heard both times."""
        twice = self.x[:, rows][..., self.is_used].reshape(-1, self.is_used.sum())
        counts = np.tile(self._sample_weights(rows) / 2, 2)
        learned = logistic_regression.fit(twice, np.tile(self.label[rows], 2), counts)
        weights = np.zeros(len(self.is_used) + 1)
        weights[np.append(self.is_used, True)] = learned
        return weights

    def cross_validated_logits(self, fold: Names) -> FloatArray:
        """Return logits (sounds,), each by weights that were learned without the sound's part."""
        logits = np.zeros(len(fold))
        for each in np.unique(fold):
            away = fold == each
            weights = self.fit_weights(self.is_labelled & ~away)
            logits[away] = self.x[0, away] @ weights[:-1] + weights[-1]
        return logits

    def _sample_weights(self, rows: BoolArray) -> FloatArray:
        """Return how much each sound counts: both answers alike, and within them cells by `BALANCE`."""
        label = self.label[rows]
        _, index, size = np.unique(self.stratum[rows], return_inverse=True, return_counts=True)
        count = size[index] ** -BALANCE
        alike: FloatArray = np.where(label, count / count[label].sum(), count / count[~label].sum())
        return alike * len(label) / 2
