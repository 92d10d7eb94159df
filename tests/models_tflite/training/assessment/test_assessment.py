"""Calibration and figures from out-of-fold predictions, cross-fitted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from models_tflite.training.assessment import calibration
from models_tflite.training.assessment.assessment import assess
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions, concatenate
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes import heart2

RECIPE = dataclasses.replace(heart2.RECIPE, background=False, rejection=None, coverage=0.8)


def predictions(
    patients: int = 150, seed: int = 0, scale: float = 1.0, outputs: int = 2
) -> OutOfFoldPredictions:
    """Return predictions for two recordings of two windows for each patient.

    With three outputs every fifth patient is background.
    """
    random = np.random.default_rng(seed)
    targets = np.repeat(np.arange(patients) % 2, 2)
    if outputs > 2:
        targets[np.repeat(np.arange(patients) % 5 == 0, 2)] = 2
    owner = np.repeat(np.arange(len(targets)), 2)
    logits = random.normal(0, 1.5, (len(targets), outputs))[owner] + 2 * np.eye(outputs)[targets[owner]]
    groups = np.repeat([f"patient{n}" for n in range(patients)], 2)
    return OutOfFoldPredictions(
        (scale * logits).astype(np.float32),
        (scale * logits + random.normal(0, 0.05, logits.shape)).astype(np.float32),
        owner,
        targets,
        np.repeat(np.arange(patients) % 3, 2),
        groups,
        np.where(np.repeat(np.arange(patients), 2) < patients / 2, "here", "there"),
        np.array([f"{n}.wav" for n in range(len(targets))]),
    )


def test_calibration_removes_overconfidence_and_its_error_is_cross_fitted() -> None:
    assessed = assess(predictions(patients=600, scale=3), RECIPE)

    whole = assessed.figures["cross_validation"]
    assert assessed.temperature == pytest.approx(
        3 * assess(predictions(patients=600), RECIPE).temperature, rel=0.02
    )
    assert whole["expected_calibration_error"] < 0.05
    assert whole["n"] == 1200
    assert whole["groups"] == 600
    assert whole["accepted_fraction"] == pytest.approx(RECIPE.coverage, abs=0.03)
    assert whole["accuracy_when_accepted"] > whole["accuracy"]
    assert "80 %" in assessed.threshold_rule


def test_a_fold_is_calibrated_by_the_other_folds() -> None:
    """Logits of fold 0 ten times as large change the calibration of the other folds, not its own."""
    plain = predictions()
    in_fold_0 = (plain.fold == 0)[plain.owner, np.newaxis]
    scaled = dataclasses.replace(plain, logits=np.where(in_fold_0, 10 * plain.logits, plain.logits))

    before, after = (assess(each, RECIPE).figures["cross_validation"]["by_fold"] for each in (plain, scaled))

    assert before[0]["temperature"] == after[0]["temperature"]
    assert before[0]["threshold"] == after[0]["threshold"]
    assert before[1]["temperature"] < after[1]["temperature"]
    assert after[0]["expected_calibration_error"] > before[0]["expected_calibration_error"] + 0.05


def test_predictions_of_one_fold_are_refused() -> None:
    whole = predictions()

    with pytest.raises(TrainingError, match="give those of all folds"):
        assess(whole.subset(whole.fold == 0), RECIPE)


def test_int8_is_compared_with_float_and_figures_are_given_by_site() -> None:
    figures = assess(predictions(), RECIPE, held_out_sites=predictions(seed=3)).figures

    before = figures["before_int8"]
    gain = figures["cross_validation"]["accuracy"] - before["accuracy"]
    assert before["int8_minus_float"]["accuracy"] == pytest.approx(gain, abs=0.01)
    assert abs(gain) < 0.02
    assert before["same_label"] > 0.97
    assert {site: of["n"] for site, of in figures["by_site"].items()} == {"here": 150, "there": 150}
    assert figures["site_held_out"].keys() == {"here", "there"}
    unknown = dataclasses.replace(predictions(), float_logits=None)
    assert assess(unknown, RECIPE).figures["before_int8"] is None


def test_a_rejection_threshold_rejects_background() -> None:
    recipe = dataclasses.replace(RECIPE, background=True, rejection=0.95)

    assessed = assess(predictions(patients=900, outputs=3), recipe)

    whole = assessed.figures["cross_validation"]
    assert whole["n"] == 1440
    assert whole["background"]["n"] == 360
    assert 0.94 < whole["background"]["rejected"] < 0.99
    assert assessed.threshold >= 0.5
    assert min(of["background"]["rejected"] for of in assessed.figures["by_site"].values()) > 0.93
    assert "95 %" in assessed.threshold_rule


def test_the_rejection_threshold_holds_for_each_site_of_background() -> None:
    """950 sounds at a confidence of 0.1 and 50 words at 0.5 to 0.99: 95 % of the words are to be rejected."""
    words = np.linspace(0.5, 0.99, 50)
    confidence = np.concatenate([np.full(950, 0.1), words])
    probabilities = np.column_stack([confidence, np.zeros(1000), np.where(confidence < 0.5, 0.9, 0)])
    sites = np.array(["sounds"] * 950 + ["words"] * 50)

    threshold = calibration.fit_threshold(probabilities, np.full(1000, 2), 2, 0.8, 0.95, sites=sites)

    assert (words >= threshold).sum() <= 2
    assert calibration.fit_threshold(probabilities, np.full(1000, 2), 2, 0.8, 0.95) < 0.52


def test_without_background_the_threshold_is_that_of_coverage() -> None:
    probabilities = np.column_stack([np.linspace(0.5, 1, 101), np.linspace(0.5, 0, 101)])
    targets = np.zeros(101, dtype=int)

    assert calibration.fit_threshold(probabilities, targets, 2, 0.8, None) == pytest.approx(0.6)
    assert calibration.fit_threshold(probabilities, targets, 2, 0.8, 0.95) == pytest.approx(0.6)


def test_temperature_softens_an_overconfident_model() -> None:
    """Logits of +-8 that are right three times in four deserve a confidence of 0.75."""
    logits = np.array([[8.0, 0.0]] * 100, dtype=np.float32)
    targets = np.array([0] * 75 + [1] * 25)
    owner = np.arange(100)

    temperature = calibration.fit_temperature(logits, owner, targets)

    assert temperature == pytest.approx(5.0, abs=0.1), "the upper bound: 8 / ln 3 would be 7.3"
    mild = calibration.fit_temperature(logits / np.float32(2), owner, targets)
    confidence = calibration.recording_probabilities(logits / np.float32(2), owner, mild)[0, 0]
    assert confidence == pytest.approx(0.75, abs=0.01)


def test_saved_predictions_are_loaded_unchanged(tmp_path: Path) -> None:
    saved = predictions()
    saved.save(tmp_path / "oof.npz")

    loaded = OutOfFoldPredictions.load(tmp_path / "oof.npz")

    for name in OutOfFoldPredictions.__slots__:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(saved, name))
    dataclasses.replace(saved, float_logits=None).save(tmp_path / "oof.npz")
    assert OutOfFoldPredictions.load(tmp_path / "oof.npz").float_logits is None


def test_subsets_concatenate_to_the_whole() -> None:
    whole = predictions()

    parts = [whole.subset(whole.fold == k) for k in range(3)]
    again = concatenate(parts)

    assert [part.targets[part.owner].tolist() for part in parts] == [
        whole.targets[whole.owner][whole.fold[whole.owner] == k].tolist() for k in range(3)
    ]
    order = np.argsort(again.files)
    np.testing.assert_array_equal(again.files[order], np.sort(whole.files))
    assert again.logits[again.owner == 0].tolist() == whole.logits[whole.owner == 0].tolist()
    assert len(again.owner) == len(whole.owner)


def test_a_file_of_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no predictions")
    np.savez(tmp_path / "other.npz", logits=np.zeros((2, 2)))
    dataclasses.replace(predictions(), fold=np.zeros(3, dtype=int)).save(tmp_path / "uneven.npz")

    for name in ("text", "other", "uneven", "gone"):
        with pytest.raises(TrainingError, match=rf"{name}\.npz"):
            OutOfFoldPredictions.load(tmp_path / f"{name}.npz")
