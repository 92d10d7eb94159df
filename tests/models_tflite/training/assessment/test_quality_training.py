"""The fit of the quality model and its report."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_worker.signal import quality_model
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import QualityFeatures
from models_tflite import quality_report
from models_tflite.training import quality
from models_tflite.training.assessment import quality_fit
from models_tflite.training.augmentation import quality_corpus
from models_tflite.training.augmentation.synthetic_noise import synthetic_noises
from models_tflite.training.networks import logistic_regression
from models_tflite.training.networks.binary_task import BinaryTask


def test_logistic_regression_recovers_the_weights() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 3))
    label = random.random(len(x)) < 1 / (1 + np.exp(-(x @ (1.0, -2.0, 0.0) + 0.5)))

    assert logistic_regression.fit(x, label, np.ones(len(x))) == pytest.approx([1, -2, 0, 0.5], abs=0.07)


def test_cross_validated_logits_come_from_weights_fitted_without_the_fold() -> None:
    """Two folds that contradict each other: each is wrong about the other."""
    x = np.tile(np.linspace(-1, 1, 200)[:, np.newaxis], (2, 2, 1))
    fold = np.repeat([0, 1], 200)
    label = (x[0, :, 0] > 0) == (fold == 0)
    task = BinaryTask(x, np.ones(400, bool), label, np.ones(1, bool), fold)

    assert ((task.cross_validated_logits(fold) > 0) != label).all()


def test_sounds_of_small_strata_weigh_more() -> None:
    stratum = np.array(["large"] * 90 + ["small"] * 10 + ["other"] * 100)
    label = stratum != "other"
    task = BinaryTask(np.zeros((2, 200, 1)), np.ones(200, bool), label, np.ones(1, bool), stratum)

    weights = task._sample_weights(task.is_labelled)

    assert weights[label].sum() == pytest.approx(weights[~label].sum())
    assert weights[95] == pytest.approx(3 * weights[0])


def test_the_shipped_quality_model_is_of_this_method() -> None:
    document = json.loads(quality_model.FILE.read_text())

    assert list(document["standard"]) == list(QualityFeatures._fields)
    assert document["heart"]["weights"].keys() == document["standard"].keys()
    assert tuple(document["clear"]["weights"]) == tuple(
        n for n in QualityFeatures._fields if n in quality_fit.CLEAR
    )
    assert document["heart"]["unheard_groups"]["auc"]["value"] > 0.99
    assert document["clear"]["unheard_groups"]["auc_at"]["physionet"]["value"] > 0.9


def test_an_augmented_recording_is_a_finite_spectrogram_of_3_to_8_s() -> None:
    kind, signal = next(iter(synthetic_noises(1, seed=3)))
    frames = signal.features(HEART_LOG_MEL)

    augmented = quality_corpus.augment_recording(frames, is_heart=False, rng=np.random.default_rng(0))

    assert kind == "coloured"
    assert 3 <= len(augmented) * HEART_LOG_MEL.hop_length / HEART_LOG_MEL.sample_rate <= 8
    assert augmented.shape[1] == frames.shape[1]
    assert augmented.dtype == np.float32
    assert np.isfinite(augmented).all()


def test_synthetic_noises_are_the_same_for_the_same_seed() -> None:
    first, again = list(synthetic_noises(2, seed=5)), list(synthetic_noises(2, seed=5))

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


def test_missing_datasets_are_reported_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for main in (quality_report.main, lambda arguments: quality.main([*arguments, "--out", "never"])):
        assert main(["--data", str(tmp_path)]) == 2

        assert "physionet2016" in capsys.readouterr().err
    assert not Path("never").exists()
