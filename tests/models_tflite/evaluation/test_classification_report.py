"""From judged recordings to the figures of a card."""

import json

import numpy as np
import pytest

from models_tflite.evaluation.classification_report import (
    LabelledPredictions,
    classification_report,
    is_accepted,
)

LABELS = ("normal", "abnormal")


def judged(seed: int = 0, patients: int = 60) -> LabelledPredictions:
    """Three recordings a patient; two in three are right; every seventh is neither label."""
    random = np.random.default_rng(seed)
    targets = np.repeat(random.integers(0, 2, patients), 3)
    said = np.where(random.random(len(targets)) < 2 / 3, targets, 1 - targets)
    confidence = random.uniform(0.5, 0.95, len(targets))
    probabilities = np.full((len(targets), 3), 0.05)
    probabilities[np.arange(len(targets)), said] = confidence
    probabilities[np.arange(len(targets)), 1 - said] = 0.95 - confidence
    targets[::7] = 2
    groups = np.repeat([f"patient{n}" for n in range(patients)], 3)
    return LabelledPredictions(targets, probabilities, is_accepted(probabilities, 2, 0.7), groups)


def test_every_figure_has_an_interval_around_it() -> None:
    report = classification_report(judged(), LABELS)

    measured = {name for name, of in report.items() if isinstance(of, float)}
    assert {"accuracy", "auc", "sensitivity", "specificity", "accuracy_when_accepted"} <= measured
    assert measured == set(report["intervals"])
    for name in measured - {"expected_calibration_error"}:  # noise adds to an error, never takes from it
        low, high = report["intervals"][name]
        assert low < report[name] < high, name
    for of in report["per_class"].values():
        assert of["intervals"]["recall"][0] < of["recall"] < of["intervals"]["recall"][1]
    json.dumps(report, allow_nan=False)


def test_what_is_none_of_the_labels_counts_as_rejected_or_not_and_nowhere_else() -> None:
    everything = judged()
    report = classification_report(everything, LABELS)
    others = everything.targets == 2

    assert report["n"] == sum(map(sum, report["confusion"])) == int((~others).sum())
    assert report["background"]["n"] == int(others.sum())
    assert report["background"]["rejected"] == pytest.approx((~everything.accepted[others]).mean(), abs=1e-4)
    assert classification_report(everything.subset(~others), LABELS) == {
        name: of for name, of in report.items() if name != "background"
    }


def test_others_alone_are_only_rejected() -> None:
    everything = judged()

    report = classification_report(everything.subset(everything.targets == 2), LABELS)

    assert report.keys() == {"n", "groups", "background"}
    assert report["n"] == 0


def test_the_same_recordings_give_the_same_intervals() -> None:
    assert classification_report(judged(), LABELS) == classification_report(judged(), LABELS)


def test_a_label_is_accepted_when_it_is_confident_and_likelier_than_none_of_them() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.4, 0.1, 0.5], [0.45, 0.1, 0.4]])

    assert is_accepted(probabilities, 2, 0.4).tolist() == [True, False, True]
    assert is_accepted(probabilities, 2, 0.5).tolist() == [True, False, False]
