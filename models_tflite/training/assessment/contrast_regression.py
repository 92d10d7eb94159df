"""Multinomial logistic regression on state contrasts: the linear model for devices that are not familiar."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from edge_worker.inference.softmax import softmax

FloatArray = npt.NDArray[np.float64]

RIDGE: Final = 0.1
"""L2 penalty: half of the squares of the weights of standardised columns, times this, is added to the mean
cross-entropy; the bias is free. Chosen among 0.05 to 0.4 by AUC on sites left out."""


def fit(x: FloatArray, targets: npt.NDArray[np.intp], outputs: int, sample_weight: FloatArray) -> FloatArray:
    """Return weights (outputs, columns + 1), the bias last, that give logits of x (rows, columns).

    Args:
        x: one row per recording, columns standardised.
        targets: index of the output of each row, (rows,).
        outputs: number of outputs.
        sample_weight: of each row, (rows,).
    """
    with_bias = np.column_stack([x, np.ones(len(x))])
    wanted = np.eye(outputs)[targets]
    share = (sample_weight / sample_weight.sum())[:, np.newaxis]
    penalised = np.append(np.ones(x.shape[1]), 0.0)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(outputs, -1)
        probabilities = softmax(with_bias @ weights.T)
        cross_entropy = -(share * wanted * np.log(probabilities + 1e-12)).sum()
        gradient = (share * (probabilities - wanted)).T @ with_bias + RIDGE * penalised * weights
        return float(cross_entropy + RIDGE / 2 * (penalised * weights**2).sum()), gradient.ravel()

    start = np.zeros(outputs * with_bias.shape[1])
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    fitted: FloatArray = found.x.reshape(outputs, -1)
    return fitted
