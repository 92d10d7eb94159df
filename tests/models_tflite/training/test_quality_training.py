"""How the scorecard of the quality gate is fitted, and what its report says."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_worker.signal import quality_model
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import QualityFeatures
from models_tflite import quality_report
from models_tflite.training import quality
from models_tflite.training.augmentation import sounds
from models_tflite.training.augmentation.noises import noises
from models_tflite.training.networks import logistic
from models_tflite.training.networks.question import Question


def test_newton_finds_the_weights_that_made_the_answers() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 3))
    answer = random.random(len(x)) < 1 / (1 + np.exp(-(x @ (1.0, -2.0, 0.0) + 0.5)))

    assert logistic.fit(x, answer, np.ones(len(x))) == pytest.approx([1, -2, 0, 0.5], abs=0.07)


def test_a_part_is_judged_by_weights_that_never_heard_it() -> None:
    """Two parts that contradict each other: each is wrong about the other."""
    x = np.tile(np.linspace(-1, 1, 200)[:, np.newaxis], (2, 2, 1))
    part = np.repeat([0, 1], 200)
    answer = (x[0, :, 0] > 0) == (part == 0)
    question = Question(x, np.ones(400, bool), answer, np.ones(1, bool), part)

    assert ((question.unheard(part) > 0) != answer).all()


def test_small_cells_count_more_for_each_sound() -> None:
    cell = np.array(["large"] * 90 + ["small"] * 10 + ["other"] * 100)
    answer = cell != "other"
    question = Question(np.zeros((2, 200, 1)), np.ones(200, bool), answer, np.ones(1, bool), cell)

    counts = question._counts(question.asked)

    assert counts[answer].sum() == pytest.approx(counts[~answer].sum())
    assert counts[95] == pytest.approx(3 * counts[0])


def test_the_shipped_scorecard_is_of_this_method() -> None:
    document = json.loads(quality_model.FILE.read_text())

    assert list(document["standard"]) == list(QualityFeatures._fields)
    assert document["heart"]["weights"].keys() == document["standard"].keys()
    assert tuple(document["clear"]["weights"]) == tuple(
        n for n in QualityFeatures._fields if n in quality.CLEAR
    )
    assert document["heart"]["unheard_groups"]["auc"]["value"] > 0.99
    assert document["clear"]["unheard_groups"]["auc_at"]["physionet"]["value"] > 0.9


def test_another_stethoscope_hears_the_same_beats_in_another_colour() -> None:
    kind, signal = next(iter(noises(1, seed=3)))
    frames = signal.features(HEART_LOG_MEL)

    heard = sounds.elsewhere(frames, is_heart=False, random=np.random.default_rng(0))

    assert kind == "coloured"
    assert 3 <= len(heard) * HEART_LOG_MEL.hop_length / HEART_LOG_MEL.sample_rate <= 8
    assert heard.shape[1] == frames.shape[1]
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()


def test_made_up_noises_are_the_same_for_the_same_seed() -> None:
    first, again = list(noises(2, seed=5)), list(noises(2, seed=5))

    assert len(first) == 2 * len({kind for kind, _ in first})
    for (_, one), (_, other) in zip(first, again, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert np.abs(one.samples).max() <= 1


def test_report_of_a_few_recordings(datasets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quality_report.main(["--data", str(datasets), "--every", "40"]) == 0

    report = json.loads(capsys.readouterr().out)

    assert report["good_against_poor"]["physionet2016"]["auc"] > 0.8
    assert report["heart_against_everything_else"]["auc"] > 0.98
    assert report["usable"]["esc50"]["usable"] < 0.15
    assert report["cross_validated"]["clear"]["unheard_groups"]["auc_at"]["physionet"]["value"] > 0.9


def test_without_datasets_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for main in (quality_report.main, lambda arguments: quality.main([*arguments, "--out", "never"])):
        assert main(["--data", str(tmp_path)]) == 2

        assert "physionet2016" in capsys.readouterr().err
    assert not Path("never").exists()
