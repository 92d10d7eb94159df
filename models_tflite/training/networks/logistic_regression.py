"""Logistic regression with an L2 penalty by Newton's method, the same on every machine."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

RIDGE: Final = 10.0
"""L2 penalty: half of the squares of the weights, times this, is added to the loss; the bias is free."""
STEPS: Final = 8


def fit(
    x: FloatArray, target: npt.NDArray[np.bool_], sample_weight: FloatArray, ridge: float = RIDGE
) -> FloatArray:
    """Return weights (columns + 1,), the bias last, for x (rows, columns) and sample weights (rows,)."""
    x = np.column_stack([x, np.ones(len(x))])
    penalty = np.diag([ridge] * (x.shape[1] - 1) + [0.0])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-(x @ weights)))
        gradient = x.T @ (sample_weight * (target - probability)) - penalty @ weights
        curvature = (x * (sample_weight * probability * (1 - probability))[:, np.newaxis]).T @ x + penalty
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights
