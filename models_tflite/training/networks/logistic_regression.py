"""Logistic regression by Newton's method, small enough to be read and the same on every machine."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

RIDGE: Final = 10.0
"""What holds the weights down: half of the squares of the weights, times this, is added to the loss."""
STEPS: Final = 8


def fit(x: FloatArray, target: npt.NDArray[np.bool_], weight: FloatArray, ridge: float = RIDGE) -> FloatArray:
    """Return weights (columns + 1,), the bias last, for rows x (rows, columns) that count `weight` each."""
    x = np.column_stack([x, np.ones(len(x))])
    held = np.diag([ridge] * (x.shape[1] - 1) + [0.0])
    found = np.zeros(x.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-(x @ found)))
        gradient = x.T @ (weight * (target - probability)) - held @ found
        curvature = (x * (weight * probability * (1 - probability))[:, np.newaxis]).T @ x + held
        found = found + np.linalg.solve(curvature, gradient)
    return found
