"""Soft labels: kinds of sound by a linear head on a teacher's embeddings, which never saw what it labels."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from edge_worker.inference.softmax import softmax
from edge_worker.signal.arrays import Float32Array
from models_tflite.training.teachers.clip_bank import ClipBank

OWN_WEIGHT: Final = 0.5
"""Weight of the recordings' own labels; the rest is that of the teacher's."""
RIDGE: Final = 1e-3
"""L2 penalty: half of the squares of the weights, times this, is added to the mean loss."""
STEPS: Final = 80


def kind_targets(bank: ClipBank) -> Float32Array:
    """Return the probability of each kind in each clip, (clips, kinds + 1); the last: none of them.

    Half of it are the shares in the clip, half is the answer of a head that was fitted on the clips of all
    other parts.
    """
    own = np.column_stack([bank.shares, 1 - bank.shares.sum(axis=1)])
    inputs = standardised(bank)
    soft = np.zeros_like(own)
    for part in np.unique(bank.part):
        of_part = bank.part == part
        weights = fit_head(inputs[~of_part], own[~of_part])
        soft[of_part] = softmax(inputs[of_part] @ weights[:-1] + weights[-1])
    return np.asarray(OWN_WEIGHT * own + (1 - OWN_WEIGHT) * soft, dtype=np.float32)


def embedding_targets(bank: ClipBank) -> Float32Array:
    """Return the embeddings with mean 0, scaled so that a number's error counts as much as it varies."""
    embeddings = bank.embeddings.astype(np.float32)
    deviation = embeddings.std(axis=0) + np.float32(1e-6)
    return np.asarray((embeddings - embeddings.mean(axis=0)) / np.sqrt(deviation * deviation.mean()))


def standardised(bank: ClipBank) -> Float32Array:
    """Return the embeddings with mean 0 and deviation 1 of each number, (clips, numbers)."""
    embeddings = bank.embeddings.astype(np.float32)
    return np.asarray((embeddings - embeddings.mean(axis=0)) / (embeddings.std(axis=0) + np.float32(1e-6)))


def fit_head(inputs: Float32Array, targets: Float32Array) -> Float32Array:
    """Return the weights of a softmax regression with an L2 penalty, (numbers + 1, kinds), the bias last.

    By L-BFGS. Targets (clips, kinds) are probabilities.
    """
    shape = inputs.shape[1] + 1, targets.shape[1]

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(shape).astype(np.float32)
        predicted = softmax(inputs @ weights[:-1] + weights[-1])
        error = (predicted - targets) / np.float32(len(inputs))
        gradient = np.vstack([inputs.T @ error + RIDGE * weights[:-1], error.sum(axis=0)])
        cross_entropy = -(targets * np.log(predicted + 1e-9)).sum() / len(inputs)
        penalty = RIDGE / 2 * np.square(weights[:-1]).sum()
        return float(cross_entropy + penalty), gradient.ravel().astype(np.float64)

    start = np.zeros(shape[0] * shape[1])
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x.reshape(shape), dtype=np.float32)
