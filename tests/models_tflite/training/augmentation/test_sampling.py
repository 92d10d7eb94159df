"""Sampling probabilities and folds of a corpus."""

from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import Corpus, Recording


def corpus_of(*recordings: tuple[str, str, str]) -> Corpus:
    items = tuple(Recording(Path("x"), label, site, group) for label, site, group in recordings)
    return Corpus(items, tuple(np.zeros((10, 4), np.float32) for _ in items), ("normal", "murmur"))


def test_no_group_is_in_two_folds_and_labels_are_spread() -> None:
    corpus = corpus_of(
        *(("normal" if n % 3 else "murmur", f"site{n % 2}", f"patient{n // 4}") for n in range(240))
    )

    fold = corpus.folds(5, seed=0)

    groups = np.array([recording.group for recording in corpus.recordings])
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    share = [np.mean(corpus.targets[fold == k]) for k in range(5)]
    assert min(np.bincount(fold, minlength=5)) > 30
    assert max(share) - min(share) < 0.15


def test_class_balanced_draws_labels_alike_and_sites_by_the_root_of_their_size() -> None:
    corpus = corpus_of(
        *[("normal", "big", str(n)) for n in range(90)],
        *[("normal", "small", "s")] * 10,
        *[("murmur", "big", "m")] * 5,
    )

    probabilities = sampling.class_balanced(corpus)

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[100:].sum() == pytest.approx(0.5)
    assert probabilities[:90].sum() / probabilities[90:100].sum() == pytest.approx(np.sqrt(90) / np.sqrt(10))


def test_site_balanced_draws_the_labels_of_a_site_alike() -> None:
    corpus = corpus_of(
        *[("normal", "big", str(n)) for n in range(90)],
        *[("murmur", "big", "m")] * 3,
        *[("normal", "small", "s")] * 2,
    )

    probabilities = sampling.site_balanced(corpus)

    assert probabilities[:90].sum() == pytest.approx(0.25)
    assert probabilities[90:93].sum() == pytest.approx(0.25)
    assert probabilities[93:].sum() == pytest.approx(0.5)
