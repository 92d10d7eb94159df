"""Classification report of synthetic predictions."""

import json

import numpy as np
import pytest

from models_tflite.evaluation.classification_report import (
    LabelledPredictions,
    classification_report,
    is_accepted,
)

LABELS = ("normal", "abnormal")


def synthetic_predictions(seed: int = 0, patients: int = 60) -> LabelledPredictions:
    """Return three recordings per patient: two in three are right, every seventh has neither label."""
    random = np.random.default_rng(seed)
    targets = np.repeat(random.integers(0, 2, patients), 3)
    predicted = np.where(random.random(len(targets)) < 2 / 3, targets, 1 - targets)
    confidence = random.uniform(0.5, 0.95, len(targets))
    probabilities = np.full((len(targets), 3), 0.05)
    probabilities[np.arange(len(targets)), predicted] = confidence
    probabilities[np.arange(len(targets)), 1 - predicted] = 0.95 - confidence
    targets[::7] = 2
    groups = np.repeat([f"patient{n}" for n in range(patients)], 3)
    return LabelledPredictions(targets, probabilities, is_accepted(probabilities, 2, 0.7), groups)


def test_every_metric_lies_in_its_interval() -> None:
    report = classification_report(synthetic_predictions(), LABELS)

    measured = {name for name, of in report.items() if isinstance(of, float)}
    assert {"accuracy", "auc", "sensitivity", "specificity", "accuracy_when_accepted"} <= measured
    assert measured == set(report["intervals"])
    for name in measured - {"expected_calibration_error"}:  # resampling noise only increases an error
        low, high = report["intervals"][name]
        assert low < report[name] < high, name
    for of in report["per_class"].values():
        assert of["intervals"]["recall"][0] < of["recall"] < of["intervals"]["recall"][1]
    json.dumps(report, allow_nan=False)


def test_background_recordings_count_in_background_only() -> None:
    predictions = synthetic_predictions()
    report = classification_report(predictions, LABELS)
    others = predictions.targets == 2

    assert report["n"] == sum(map(sum, report["confusion"])) == int((~others).sum())
    assert report["background"]["n"] == int(others.sum())
    assert report["background"]["rejected"] == pytest.approx((~predictions.accepted[others]).mean(), abs=1e-4)
    assert classification_report(predictions.subset(~others), LABELS) == {
        name: of for name, of in report.items() if name != "background"
    }


def test_background_recordings_alone() -> None:
    predictions = synthetic_predictions()

    report = classification_report(predictions.subset(predictions.targets == 2), LABELS)

    assert report.keys() == {"n", "groups", "background"}
    assert report["n"] == 0


def test_intervals_are_reproducible() -> None:
    assert classification_report(synthetic_predictions(), LABELS) == classification_report(
        synthetic_predictions(), LABELS
    )


def test_a_label_is_accepted_when_confident_and_more_likely_than_background() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.4, 0.1, 0.5], [0.45, 0.1, 0.4]])

    assert is_accepted(probabilities, 2, 0.4).tolist() == [True, False, True]
    assert is_accepted(probabilities, 2, 0.5).tolist() == [True, False, False]
