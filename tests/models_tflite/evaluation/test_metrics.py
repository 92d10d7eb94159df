"""Classification metrics: worked examples and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models_tflite.evaluation import metrics

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 2])


def test_worked_example() -> None:
    counts = metrics.confusion(TRUTH, PREDICTED, 4)

    assert counts.tolist() == [[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert metrics.accuracy(counts) == pytest.approx(5 / 7)
    assert metrics.balanced_accuracy(counts) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert metrics.macro_f1(counts) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


def test_a_class_without_recordings_has_no_recall() -> None:
    report = metrics.per_class(metrics.confusion(TRUTH, PREDICTED, 4), ("a", "b", "c", "d"))

    assert report["a"] == {"n": 4, "precision": 0.75, "recall": 0.75, "f1": 0.75}
    assert report["d"] == {"n": 0, "precision": None, "recall": None, "f1": None}


def test_auc_counts_ties_by_half() -> None:
    positive = np.array([True, True, False, False])

    assert metrics.auc(positive, np.array([0.9, 0.5, 0.5, 0.1])) == pytest.approx(3.5 / 4)
    assert np.isnan(metrics.auc(np.array([True, True]), np.array([0.1, 0.2])))
    assert np.isnan(metrics.auc(np.array([False]), np.array([0.1])))


@given(
    positive=hnp.arrays(np.bool_, 12),
    score=hnp.arrays(np.float64, 12, elements=st.integers(0, 5).map(float)),
)
def test_auc_is_the_probability_that_a_positive_scores_higher(
    positive: np.ndarray, score: np.ndarray
) -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]

    assert metrics.number(metrics.auc(positive, score)) == (
        pytest.approx(np.mean(pairs), abs=1e-4) if pairs else None
    )


def test_calibration_error_is_the_gap_to_accuracy() -> None:
    correct = np.array([True, True, False, False])

    assert metrics.expected_calibration_error(correct, np.full(4, 0.5)) == pytest.approx(0)
    assert metrics.expected_calibration_error(correct, np.full(4, 1.0)) == pytest.approx(0.5)


def test_reliability_lists_bins_that_are_not_empty() -> None:
    curve = metrics.reliability(np.array([True, False, True]), np.array([0.92, 0.98, 0.41]))

    assert curve == [
        {"from": 0.4, "to": 0.5, "n": 1, "confidence": 0.41, "accuracy": 1.0},
        {"from": 0.9, "to": 1.0, "n": 2, "confidence": 0.95, "accuracy": 0.5},
    ]


def test_share_of_a_subset() -> None:
    chosen, among = np.array([True, True, False, False]), np.array([True, False, True, False])

    assert metrics.share(chosen, among) == 0.5
    assert np.isnan(metrics.share(chosen, np.zeros(4, dtype=bool)))


@given(
    weights=hnp.arrays(np.float32, (3, 7), elements=st.integers(0, 3).map(float)),
    score=hnp.arrays(np.float64, 7, elements=st.integers(0, 10).map(lambda n: n / 10)),
)
def test_a_weight_counts_as_repeated_recordings(weights: np.ndarray, score: np.ndarray) -> None:
    """Every metric of a draw equals that of the recordings repeated as often as they were drawn."""
    positive, correct = TRUTH == 0, TRUTH == PREDICTED
    accuracy = metrics.accuracy(metrics.confusion(TRUTH, PREDICTED, 3, weights))
    f1 = metrics.macro_f1(metrics.confusion(TRUTH, PREDICTED, 3, weights))
    auc = metrics.auc(positive, score, weights)
    gap = metrics.expected_calibration_error(correct, score, weights=weights)
    for row, often in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(7), often)
        if len(drawn):
            counts = metrics.confusion(TRUTH[drawn], PREDICTED[drawn], 3)
            assert accuracy[row] == pytest.approx(metrics.accuracy(counts))
            assert f1[row] == pytest.approx(metrics.macro_f1(counts))
            assert auc[row] == pytest.approx(metrics.auc(positive[drawn], score[drawn]), nan_ok=True)
            expected = metrics.expected_calibration_error(correct[drawn], score[drawn])
            assert gap[row] == pytest.approx(expected, abs=1e-6)
        else:
            assert np.isnan([accuracy[row], f1[row], auc[row], gap[row]]).all()


def test_groups_are_drawn_whole_and_the_first_row_is_all_ones() -> None:
    groups = np.array(["anna", "anna", "ben", "carl", "carl", "carl", "dora", "eve"])

    weights = metrics.group_weights(groups, resamples=500, seed=1)

    assert weights.shape == (501, 8)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3:6] == weights[:, 3:4]).all()
    assert (weights[:, [0, 2, 3, 6, 7]].sum(axis=1) == 5).all(), "five groups are drawn each time"
    assert weights[1:, 2].mean() == pytest.approx(1, abs=0.15)
    np.testing.assert_array_equal(weights, metrics.group_weights(groups, resamples=500, seed=1))


def test_intervals_over_groups_are_wider_than_over_recordings() -> None:
    """40 patients with 10 recordings each, all right or all wrong: 40 independent values, not 400."""
    right = np.repeat(np.random.default_rng(0).random(40) < 0.8, 10)
    everything = np.ones(400, dtype=bool)

    def width(groups: np.ndarray) -> float:
        low, high = metrics.interval(metrics.share(right, everything, metrics.group_weights(groups))) or (
            0,
            0,
        )
        assert low < right.mean() < high
        return high - low

    by_patient, by_recording = width(np.repeat(np.arange(40), 10)), width(np.arange(400))
    assert by_recording == pytest.approx(2 * 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 400), rel=0.1)
    assert by_patient / by_recording == pytest.approx(np.sqrt(10), rel=0.15)


def test_an_undefined_metric_has_no_interval() -> None:
    assert metrics.interval(np.full(10, np.nan)) is None
    of_four_patients = metrics.group_weights(np.array(["anna", "ben", "carl", "dora"] * 50))
    assert (
        metrics.interval(metrics.share(np.arange(200) < 150, np.ones(200, dtype=bool), of_four_patients))
        is None
    )
    assert metrics.number(float("nan")) is None


def test_wilson_interval_is_never_empty() -> None:
    assert metrics.wilson(80, 80) == [pytest.approx(0.954, abs=1e-3), 1.0]
    assert metrics.wilson(0, 80)[0] == 0
    low, high = metrics.wilson(60, 80)
    assert low == pytest.approx(0.6452, abs=1e-3)
    assert high == pytest.approx(0.8314, abs=1e-3)
