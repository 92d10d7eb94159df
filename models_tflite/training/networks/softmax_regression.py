"""Softmax regression for complete, mixed and partial labels, with an L2 penalty, by L-BFGS."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from edge_worker.signal.arrays import Float32Array

FloatArray = npt.NDArray[np.float64]

STEPS = 60


def fit(
    x: Float32Array, targets: Float32Array, labels: int, ridge: float
) -> tuple[Float32Array, Float32Array]:
    """Return weights (columns, outputs) and bias (outputs,) that minimise the mean loss plus the penalty.

    Args:
        x: (rows, columns), of similar scale.
        targets: (rows, outputs); what a row lacks to 1 is a partial label, as in `partial_label_loss`.
        labels: the first so many outputs; a partial label is any of them.
        ridge: half of the squares of the weights, times this, is added to the loss.
    """
    columns, outputs = x.shape[1], targets.shape[1]
    given = targets.sum(axis=1, keepdims=True)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights, bias = flat[:-outputs].reshape(columns, outputs), flat[-outputs:]
        logits = x @ weights.astype(np.float32) + bias
        log_p = log_softmax(logits, axis=1)
        is_any = logsumexp(log_p[:, :labels], axis=1, keepdims=True)
        slope = softmax(logits, axis=1) - targets
        slope[:, :labels] -= (1 - given) * np.exp(log_p[:, :labels] - is_any)
        value = -(targets * log_p).sum() - ((1 - given) * is_any).sum()
        gradient = np.vstack([x.T @ slope.astype(np.float32) / len(x) + ridge * weights, slope.mean(axis=0)])
        return value / len(x) + ridge / 2 * np.square(weights).sum(), gradient.ravel()

    start = np.zeros((columns + 1) * outputs)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    weights = found.astype(np.float32).reshape(columns + 1, outputs)
    return weights[:-1], weights[-1]
