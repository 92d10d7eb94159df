"""A yes-or-no question about sounds, answered by logistic regression from their measures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models_tflite.training.networks import logistic
from models_tflite.training.networks.logistic import FloatArray

BoolArray = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]

EVEN: float = 0.5
"""A cell counts by its size to the power of 1 - this: large ones more, but not as much as they are larger."""


@dataclass(frozen=True, slots=True)
class Question:
    """Sounds and what is known of them."""

    x: FloatArray
    """(2, sounds, columns): standardised measures and their squares, as heard at first and elsewhere."""
    asked: BoolArray
    """(sounds,): which have a known answer."""
    answer: BoolArray
    """(sounds,)"""
    used: BoolArray
    """(columns,): which may count."""
    cell: Names
    """(sounds,): kind and site, which count more evenly than they are large."""

    def weights(self, rows: BoolArray) -> FloatArray:
        """Return weights (columns + 1,), the bias last, learned from these sounds as heard both times."""
        twice = self.x[:, rows][..., self.used].reshape(-1, self.used.sum())
        counts = np.tile(self._counts(rows) / 2, 2)
        learned = logistic.fit(twice, np.tile(self.answer[rows], 2), counts)
        weights = np.zeros(len(self.used) + 1)
        weights[np.append(self.used, True)] = learned
        return weights

    def unheard(self, part: Names) -> FloatArray:
        """Return logits (sounds,), each by weights that were learned without the sound's part."""
        logits = np.zeros(len(part))
        for each in np.unique(part):
            away = part == each
            weights = self.weights(self.asked & ~away)
            logits[away] = self.x[0, away] @ weights[:-1] + weights[-1]
        return logits

    def _counts(self, rows: BoolArray) -> FloatArray:
        """Return how much each sound counts: both answers alike, and within them cells by `EVEN`."""
        answer = self.answer[rows]
        _, index, size = np.unique(self.cell[rows], return_inverse=True, return_counts=True)
        count = size[index] ** -EVEN
        alike: FloatArray = np.where(answer, count / count[answer].sum(), count / count[~answer].sum())
        return alike * len(answer) / 2
