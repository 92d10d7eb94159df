"""Calibration on sites left out: thresholds that hold for each label and site, familiarity of devices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_worker.signal.device_spectrum import NUMBERS, device_spectrum
from models_tflite.evaluation import site_report
from models_tflite.evaluation.classification_report import LabelledPredictions
from models_tflite.training.assessment import (
    acceptance,
    contrast_regression,
    familiarity_fit,
    site_calibration,
    site_figures,
)
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions, concatenate
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording

LABELS = ("normal", "abnormal")
UNCALIBRATED = site_calibration.SiteCalibration(1.0, acceptance.Thresholds({}, 1.0), {})


def predictions(
    site: str, *, nearest: str, familiarity: float = 1.0, blur: float = 1.0, seed: int = 0, n: int = 200
) -> OutOfFoldPredictions:
    """Return recordings of one window each, half of them abnormal; `blur` is the noise of their logits."""
    random = np.random.default_rng(seed)
    targets = np.arange(n) % 2
    logits = 2 * np.eye(2)[targets] + random.normal(0, blur, (n, 2))
    return OutOfFoldPredictions(
        logits.astype(np.float32),
        None,
        np.arange(n),
        targets,
        np.arange(n) % 3,
        np.array([f"{site}-{i // 4}" for i in range(n)]),
        np.array([site] * n),
        np.array([f"{site}-{i}.wav" for i in range(n)]),
        np.full(n, familiarity),
        np.array([nearest] * n),
        np.zeros(n, dtype=bool),
    )


def fit(*sites: OutOfFoldPredictions) -> acceptance.Thresholds:
    """Return the thresholds near the site `near` of recordings that all are of sites left out."""
    all_sites = concatenate(list(sites))
    is_unseen = np.ones(len(all_sites.targets), dtype=bool)
    return acceptance.fit(all_sites, UNCALIBRATED.probabilities(all_sites), 2, ("near", "nobody"), is_unseen)


def test_a_threshold_holds_for_each_label_and_site_that_falls_near_a_site() -> None:
    sites = [
        predictions(f"site-{seed}", nearest="near", blur=blur, seed=seed)
        for seed, blur in enumerate((1.0, 1.1, 1.2))
    ]

    alone, fitted = fit(*sites[:2]), fit(*sites)

    assert 0.5 <= alone.by_site["near"] < fitted.by_site["near"] < 1
    assert fitted.by_site["nobody"] == fitted.unfamiliar == 1.0
    accepted = replace(UNCALIBRATED, thresholds=fitted)
    for part in sites:
        labelled = site_figures.labelled_predictions(part, accepted, 2)
        right = labelled.probabilities.argmax(axis=1) == labelled.targets
        for label in (0, 1):
            chosen = labelled.accepted & (labelled.targets == label)
            assert chosen.sum() >= acceptance.MIN_ACCEPTED
            assert right[chosen].mean() >= acceptance.RIGHT


def test_nothing_is_accepted_where_the_thresholds_of_others_do_not_hold_at_one_site() -> None:
    good = [predictions(f"good-{seed}", nearest="near", seed=seed) for seed in range(2)]
    sure_and_wrong = predictions("bad", nearest="near", blur=9, seed=7)

    assert fit(*good).by_site["near"] < 1
    assert fit(*good, sure_and_wrong) == acceptance.Thresholds({}, 1.0)


def test_strange_recordings_are_not_accepted() -> None:
    strange = replace(predictions("a", nearest="b"), is_strange=np.ones(200, dtype=bool))

    assert (acceptance.Thresholds({"b": 0.0}, 0.0).of(strange) == 1).all()


def test_healthy_hearts_are_described_as_they_are_and_on_unfamiliar_devices() -> None:
    sites = {
        site: replace(of, linear_logits=of.logits / np.float32(4))
        for site, of in ((name, predictions(name, nearest="home", seed=i)) for i, name in enumerate("xyz"))
    }

    adaptation = site_calibration.fit(predictions("home", nearest="home"), sites, 2).adaptation

    assert adaptation["minimum_hearts"] == site_calibration.MINIMUM_HEARTS
    assert adaptation["normal_log_odds"] < 0
    assert adaptation["unfamiliar"] == pytest.approx(
        {name: adaptation[name] / 4 for name in adaptation["unfamiliar"]}, rel=0.05, abs=0.01
    )


def test_a_site_has_no_part_in_its_own_calibration() -> None:
    known = concatenate([predictions("x", nearest="x"), predictions("z", nearest="x", seed=5)])
    sites = {site: predictions(site, nearest="x", seed=seed) for site, seed in (("x", 1), ("z", 2))}
    other = {**sites, "x": predictions("x", nearest="x", blur=9, seed=7)}

    assert site_calibration.fit(known, sites, 2, without="x") == site_calibration.fit(
        known, other, 2, without="x"
    )


def test_patients_are_their_mean_log_odds_and_accepted_with_most_recordings() -> None:
    labelled = LabelledPredictions(
        np.array([0, 1, 0, 0]),
        np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.6, 0.4]]),
        np.array([True, True, True, False]),
        np.array(["one", "one", "two", "two"]),
    )

    patients = site_report.by_patient(labelled)

    assert patients.targets.tolist() == [1, 0]
    assert patients.probabilities[0] == pytest.approx([0.5, 0.5])
    assert patients.probabilities[1, 0] == pytest.approx(1 / (1 + np.sqrt(0.25 * 0.4 / 0.6)))
    assert patients.accepted.tolist() == [True, False]


def test_the_worst_of_a_summary_is_the_largest_calibration_error() -> None:
    summary = site_report.summary(
        {
            "a": {"auc": 0.9, "expected_calibration_error": 0.02, "right_when_accepted": None},
            "b": {"auc": 0.7, "expected_calibration_error": 0.2, "right_when_accepted": 0.95},
        }
    )

    assert summary["auc"] == {"mean": 0.8, "worst": 0.7, "worst_site": "b"}
    assert summary["expected_calibration_error"]["worst_site"] == "b"
    assert summary["right_when_accepted"]["worst"] == 0.95


def corpus(sites: dict[str, float], n: int = 60) -> Corpus:
    """Return noise of another tilt at each site, and background."""
    random = np.random.default_rng(0)
    recordings, features = [], []
    for site, tilt in sites.items():
        for i in range(n):
            recordings.append(Recording(Path(f"{site}{i}.wav"), LABELS[i % 2], site, f"{site}-{i}"))
            slope = tilt * np.arange(40) + random.normal(0, 0.5, 40)
            features.append((slope + random.normal(0, 4, (150, 40))).astype(np.float32))
    recordings.append(Recording(Path("b.wav"), BACKGROUND, "background", "b"))
    features.append(np.zeros((150, 40), dtype=np.float32))
    return Corpus(tuple(recordings), tuple(features), LABELS)


def test_devices_of_training_are_familiar_and_others_are_not() -> None:
    fitted = familiarity_fit.fit(corpus({"flat": 0.0, "falling": -1.0}), seed=1)

    assert fitted.sites == ("falling", "flat")
    assert fitted.means.shape == (2, NUMBERS)
    known, other = corpus({"flat": 0.0}, n=50).features[:50], corpus({"rising": 1.5}, n=50).features[:50]
    assert np.mean([fitted.of(frames).familiarity for frames in known]) > 0.8
    assert {fitted.sites[fitted.of(frames).nearest] for frames in known} == {"flat"}
    assert max(fitted.of(frames).familiarity for frames in other) == 0
    assert device_spectrum(other[0]).shape == (NUMBERS,)


def test_the_regression_finds_the_column_that_tells_labels_apart() -> None:
    random = np.random.default_rng(0)
    x, targets = random.normal(size=(600, 20)), random.integers(0, 3, 600)
    x[:, 4] += 3 * (targets == 1)

    weights = contrast_regression.fit(x, targets, 3, np.ones(600))

    assert weights.shape == (3, 21)
    assert np.abs(weights[:, :-1]).max(axis=0).argmax() == 4
    recall = ((x @ weights[:, :-1].T + weights[:, -1]).argmax(axis=1) == 1)[targets == 1].mean()
    assert recall > 0.8
