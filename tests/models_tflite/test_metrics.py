"""Figures against worked examples, and against what they must always be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models_tflite import metrics

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 0, 1, 1, 0, 2])


def test_worked_example() -> None:
    counts = metrics.confusion(TRUTH, SAID, 4)

    assert counts.tolist() == [[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert metrics.accuracy(counts) == pytest.approx(5 / 7)
    assert metrics.balanced_accuracy(counts) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert metrics.macro_f1(counts) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


def test_a_class_that_is_not_there_has_no_recall() -> None:
    report = metrics.per_class(metrics.confusion(TRUTH, SAID, 4), ("a", "b", "c", "d"))

    assert report["a"] == {"n": 4, "precision": 0.75, "recall": 0.75, "f1": 0.75}
    assert report["d"] == {"n": 0, "precision": None, "recall": None, "f1": None}


def test_auc_counts_ties_by_half() -> None:
    positive = np.array([True, True, False, False])

    assert metrics.auc(positive, np.array([0.9, 0.5, 0.5, 0.1])) == pytest.approx(3.5 / 4)
    assert metrics.auc(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert metrics.auc(np.array([False]), np.array([0.1])) is None


@given(
    positive=hnp.arrays(np.bool_, 12),
    score=hnp.arrays(np.float64, 12, elements=st.integers(0, 5).map(float)),
)
def test_auc_is_the_chance_that_a_positive_scores_higher(positive: np.ndarray, score: np.ndarray) -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]

    assert metrics.auc(positive, score) == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_calibration_error_is_the_gap() -> None:
    correct = np.array([True, True, False, False])

    assert metrics.expected_calibration_error(correct, np.full(4, 0.5)) == pytest.approx(0)
    assert metrics.expected_calibration_error(correct, np.full(4, 1.0)) == pytest.approx(0.5)
