"""Binary classification of sounds by logistic regression on their quality features."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_tflite.training.networks import logistic_regression
from models_tflite.training.networks.logistic_regression import FloatArray

BoolArray = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]

BALANCE: Final = 0.5
"""A stratum counts by its size to the power of 1 - this: larger ones more, but less than in proportion."""


@dataclass(frozen=True, slots=True)
class BinaryTask:
    """Features, labels and strata of sounds."""

    x: FloatArray
    """(2, sounds, columns): standardised features and their squares, as recorded and augmented."""
    is_labelled: BoolArray
    """(sounds,): which have a known label."""
    label: BoolArray
    """(sounds,): the label."""
    is_used: BoolArray
    """(columns,): which the regression uses."""
    stratum: Names
    """(sounds,): kind and site, whose weights are balanced."""

    def fit_weights(self, rows: BoolArray) -> FloatArray:
        """Return weights (columns + 1,), the bias last, fitted to the chosen sounds, augmented ones too."""
        both = self.x[:, rows][..., self.is_used].reshape(-1, self.is_used.sum())
        sample_weights = np.tile(self._sample_weights(rows) / 2, 2)
        fitted = logistic_regression.fit(both, np.tile(self.label[rows], 2), sample_weights)
        weights = np.zeros(len(self.is_used) + 1)
        weights[np.append(self.is_used, True)] = fitted
        return weights

    def cross_validated_logits(self, fold: Names) -> FloatArray:
        """Return logits (sounds,), each by weights that were fitted without the sound's fold."""
        logits = np.zeros(len(fold))
        for each in np.unique(fold):
            held_out = fold == each
            weights = self.fit_weights(self.is_labelled & ~held_out)
            logits[held_out] = self.x[0, held_out] @ weights[:-1] + weights[-1]
        return logits

    def _sample_weights(self, rows: BoolArray) -> FloatArray:
        """Return the weight of each sound: labels alike, and within a label strata by `BALANCE`."""
        label = self.label[rows]
        _, index, size = np.unique(self.stratum[rows], return_inverse=True, return_counts=True)
        count = size[index] ** -BALANCE
        balanced: FloatArray = np.where(label, count / count[label].sum(), count / count[~label].sum())
        return balanced * len(label) / 2
