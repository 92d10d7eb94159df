"""Softmax regression for complete and partial labels."""

import numpy as np

from models_tflite.training.networks import softmax_regression


def test_labels_are_told_and_the_penalty_shrinks_the_weights() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    x = (np.eye(3)[label] * 2 + rng.normal(0, 0.3, (300, 3))).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[label]

    weights, bias = softmax_regression.fit(x, targets, 3, 0.01)
    smaller, _ = softmax_regression.fit(x, targets, 3, 1.0)

    assert ((x @ weights + bias).argmax(axis=1) == label).mean() > 0.98
    assert np.square(smaller).sum() < np.square(weights).sum() / 4


def test_a_partial_label_says_that_it_is_no_background() -> None:
    """Two labels and a background; the second cloud is one of the labels, unknown which."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.2, (300, 2)).astype(np.float32)
    x[:100, 0] += 1
    x[100:200, 1] += 1
    targets = np.zeros((300, 3), dtype=np.float32)
    targets[:100, 0] = 1
    targets[200:, 2] = 1

    weights, bias = softmax_regression.fit(x, targets, 2, 0.001)

    logits = x @ weights + bias
    assert (logits[:100].argmax(axis=1) == 0).mean() > 0.95
    assert (logits[100:200].argmax(axis=1) < 2).mean() > 0.95
    assert (logits[200:].argmax(axis=1) == 2).mean() > 0.9
