"""Softmax over the outputs of a model."""

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Real


def softmax(logits: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return the probabilities of logits (..., outputs), each row adding up to 1, in their precision."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: npt.NDArray[Real] = raised / raised.sum(axis=-1, keepdims=True)
    return probabilities
