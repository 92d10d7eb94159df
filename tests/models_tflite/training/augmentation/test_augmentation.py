"""Augmentation of windows: normalised, reproducible, and sounds mixed by their power."""

import numpy as np

from models_tflite.training.augmentation import augmentation


def test_augmented_windows_are_normalised_and_the_same_for_a_seed() -> None:
    windows = np.random.default_rng(0).normal(-40, 10, (8, 196, 40)).astype(np.float32)

    first, second = (
        augmentation.augment(windows.copy(), augmentation.Augmentation(), np.random.default_rng(3))
        for _ in range(2)
    )

    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()
    assert np.abs(first).max() < 10


def test_overlaid_sounds_add_in_power_and_targets_in_proportion() -> None:
    """Each sound fills one band of its own, some louder than others: its share of the power is its target."""
    count = 16
    loudness = np.linspace(-70, -10, count)
    windows = np.full((count, 6, count), -150.0)
    windows[np.arange(count), :, np.arange(count)] = loudness[:, np.newaxis]

    mixed, shares = augmentation.overlay(
        windows.astype(np.float32),
        np.eye(count, dtype=np.float32),
        np.random.default_rng(1),
        probability=0.75,
    )

    power = (10 ** (mixed / 10)).mean(axis=1)
    np.testing.assert_allclose(power / power.sum(axis=1, keepdims=True), shares, atol=1e-3)
    own = np.diagonal(shares)
    assert own.min() >= 0.5
    assert 0 < (own == 1).sum() < count / 2, "a share of them stays alone"
