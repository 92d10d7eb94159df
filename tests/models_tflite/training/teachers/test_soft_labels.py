"""Soft labels: half of the recording's own, half of a head that never heard the clip."""

import numpy as np
import pytest

from models_tflite.training.teachers import soft_labels
from models_tflite.training.teachers.clip_bank import ClipBank


def bank_of(own: np.ndarray, heard: np.ndarray) -> ClipBank:
    """Return clips with their own kinds, whose embeddings show what a teacher hears."""
    random = np.random.default_rng(0)
    embeddings = np.eye(3)[heard] + random.normal(0, 0.05, (len(heard), 3))
    return ClipBank(
        np.zeros((len(own), 2, 2), np.uint8),
        np.eye(3, dtype=np.float32)[own][:, :2],
        embeddings.astype(np.float16),
        np.arange(len(own)) % 4,
    )


def test_targets_are_half_of_the_clip_and_half_of_the_teacher() -> None:
    own = np.tile([0, 1, 2, 0], 60)[np.random.default_rng(1).permutation(240)]
    heard = own.copy()
    heard[7] = (own[7] + 1) % 3

    targets = soft_labels.kind_targets(bank_of(own, heard))

    assert targets.shape == (240, 3)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    agree = np.arange(240) != 7
    assert (targets[agree, own[agree]] > 0.9).all()
    assert targets[7, own[7]] == pytest.approx(0.5, abs=0.1)
    assert targets[7, heard[7]] == pytest.approx(0.5, abs=0.1)


def test_the_head_of_a_part_was_not_fitted_on_it() -> None:
    """In one part the teacher hears something else throughout: the other parts' heads cannot know."""
    own = np.random.default_rng(1).integers(0, 3, 240)
    heard = np.where(np.arange(240) % 4 == 1, (own + 1) % 3, own)

    targets = soft_labels.kind_targets(bank_of(own, heard))

    misheard = np.arange(240) % 4 == 1
    assert targets[misheard, heard[misheard]].mean() > 0.35


def test_a_head_gives_back_probabilities_that_it_was_fitted_to() -> None:
    inputs = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    targets = np.tile(np.array([0.7, 0.2, 0.1], np.float32), (400, 1))

    weights = soft_labels.fit_head(inputs, targets)

    assert weights.shape == (4, 3)
    logits = weights[-1]
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), targets[0], atol=0.01)
    np.testing.assert_allclose(weights[:-1], 0, atol=0.02)


def test_numbers_of_an_embedding_count_as_much_as_they_vary() -> None:
    bank = bank_of(np.zeros(100, int), np.zeros(100, int))
    bank = ClipBank(bank.levels, bank.shares, bank.embeddings * np.array([1, 4, 1], np.float16), bank.part)

    targets = soft_labels.embedding_targets(bank)

    np.testing.assert_allclose(targets.mean(axis=0), 0, atol=1e-2)
    assert targets[:, 1].std() == pytest.approx(2 * targets[:, 0].std(), rel=0.3)
