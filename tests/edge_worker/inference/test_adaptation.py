"""The rule of calibration: shrinkage, shifted probabilities, corrected spectra, and what a card may say."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapted_models import ADAPTATION, MODELS, copy_models

from edge_worker.errors import ModelError
from edge_worker.inference.adaptation import LARGEST_CORRECTION_DB, AdaptationRule, log_odds, shifted
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceCalibration, DeviceSpectrum
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.device_spectrum import spectral_shape
from edge_worker.signal.log_mel import HEART_LOG_MEL
from simulator.sound.heart_sound import synthesise

RULE = AdaptationRule.parse(ADAPTATION)
HEART = Signal(synthesise("murmur", 72, 8.0, 4000, 1).astype(np.float32), 4000)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(copy_models(tmp_path_factory.mktemp("models")), "heart2")


def calibration(classifier: Classifier, **changed: Any) -> DeviceCalibration:  # noqa: ANN401 - as the fields
    facts = ("heart2", classifier.card.sha256, 1.5, 8, "folder", "2026-11-20T17:20:09.000Z", "ann")
    return replace(DeviceCalibration(*facts), **changed)  # type: ignore[arg-type]


def test_the_shift_is_the_posterior_mean_of_the_site() -> None:
    for count, share in ((1, 1.5**2 / (1.5**2 + 1)), (5, 1.5**2 / (1.5**2 + 1 / 5))):
        assert RULE.shift([1.0] * count) == pytest.approx(3.0 * share)
    assert RULE.shift([1.0] * 10_000) == pytest.approx(3.0, abs=1e-3)
    assert RULE.shift([-2.0] * 7) == 0
    assert RULE.shift([0.0, 2.0]) == pytest.approx(RULE.shift([1.0, 1.0]))


def test_sites_that_do_not_differ_cannot_be_taught() -> None:
    assert replace(RULE, between_sites=0.0).shift([5.0] * 100) == 0


@pytest.mark.parametrize("shift", [-3.0, -0.1, 0.7, 2.5])
@pytest.mark.parametrize("labels", [("abnormal", "normal"), ("normal", "abnormal")])
def test_a_shift_moves_the_log_odds_and_leaves_the_rest(shift: float, labels: tuple[str, str]) -> None:
    before = np.array([0.5, 0.3, 0.2])  # with a background
    after = shifted(before, labels, shift)
    odds = [log_odds(dict(zip(labels, each[:2], strict=True))) for each in (before, after)]
    assert odds[1] == pytest.approx(odds[0] - shift)
    assert after.sum() == pytest.approx(1)
    assert after[2] == before[2]


def test_probabilities_of_zero_stay_so() -> None:
    assert shifted(np.array([0.0, 1.0]), ("abnormal", "normal"), -5).tolist() == [0, 1]
    assert shifted(np.array([0.0, 0.0, 1.0]), ("abnormal", "normal"), 5).tolist() == [0, 0, 1]
    assert log_odds({"abnormal": 0.0, "normal": 1.0}) == pytest.approx(math.log(1e-4))


def test_the_correction_grows_with_the_recordings_and_is_limited() -> None:
    rule = replace(RULE, reference_weight=0.5, reference_db=(0.0, 30.0, -4.0))
    levels = (2.0, -30.0, -4.0)
    assert rule.correction_db(levels, 10).tolist() == [-0.5, 0.25 * LARGEST_CORRECTION_DB, 0]
    assert rule.correction_db(levels, 0).tolist() == [0, 0, 0]
    assert rule.correction_db(levels, 10**6)[0] == pytest.approx(-1, abs=1e-4)


def test_the_shape_of_a_spectrum_does_not_depend_on_the_gain() -> None:
    frames = HEART.features(HEART_LOG_MEL)
    shape = spectral_shape(frames)
    assert shape.shape == (40,)
    assert float(shape.mean()) == pytest.approx(0, abs=1e-4)
    assert spectral_shape(frames + np.float32(7)) == pytest.approx(shape, abs=1e-4)


def test_nothing_known_of_a_device_changes_no_bit(classifier: Classifier) -> None:
    shipped = Classifier.load(MODELS, "heart2").classify(HEART)
    for adaptation in (None, DeviceAdaptation(), DeviceAdaptation(spectrum=DeviceSpectrum((1.0,) * 40, 50))):
        prediction = classifier.classify(HEART, adaptation)  # reference_weight is 0
        assert replace(prediction, took_ms=shipped.took_ms) == shipped
        assert prediction.calibration is None


def test_a_calibration_shifts_the_label_and_is_named(classifier: Classifier) -> None:
    before = classifier.classify(HEART)
    after = classifier.classify(HEART, DeviceAdaptation(calibration(classifier)))
    assert log_odds(after.probabilities) == pytest.approx(log_odds(before.probabilities) - 1.5, abs=1e-3)
    assert after.confidence == max(after.probabilities.values())
    expected = {"hearts": 8, "shift": 1.5, "calibrated_at": "2026-11-20T17:20:09.000Z"}
    assert after.calibration == expected


def test_a_calibration_of_another_version_is_named_and_not_applied(classifier: Classifier) -> None:
    before = classifier.classify(HEART)
    other = calibration(classifier, sha256="0" * 64, reference=(5.0,) * 40)
    after = classifier.classify(HEART, DeviceAdaptation(other))
    assert after.calibration == {"outdated": True}
    assert after.probabilities == before.probabilities
    plain = Classifier.load(MODELS, "heart2")
    if plain.card.adaptation is None:  # the same file, but a card that says no rule
        named = plain.classify(HEART, DeviceAdaptation(calibration(classifier)))
        assert (named.calibration, named.probabilities) == ({"outdated": True}, before.probabilities)


def test_the_spectrum_of_a_device_is_corrected_before_the_model(tmp_path: Path) -> None:
    tilt = tuple(np.linspace(-8, 8, 40).tolist())
    shape = tuple(spectral_shape(HEART.features(HEART_LOG_MEL)).tolist())
    models = copy_models(tmp_path, reference_weight=1.0, reference_db=list(shape))
    corrected = Classifier.load(models, "heart2")
    frames = HEART.features(HEART_LOG_MEL)
    same = corrected.windows(HEART, DeviceAdaptation(spectrum=DeviceSpectrum(shape, 50)))
    assert same == pytest.approx(corrected.windows(HEART), abs=1e-4)
    tilted = DeviceSpectrum(tuple(np.add(shape, tilt).tolist()), 10)
    moved = corrected.windows(HEART, DeviceAdaptation(spectrum=tilted))
    wanted = corrected.split(frames - np.array(tilt, np.float32) / np.float32(2))  # 10 of 10 + 10
    assert moved == pytest.approx(wanted, abs=1e-3)
    own = calibration(corrected, reference=shape)
    assert corrected.windows(HEART, DeviceAdaptation(own, tilted)) == pytest.approx(same, abs=1e-4)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"within_site": 0}, "within_site above 0"),
        ({"between_sites": -1}, "between_sites of 0"),
        ({"minimum_hearts": 1}, "minimum_hearts of 2"),
        ({"reference_weight": 2}, "reference_weight from 0"),
        ({"normal_log_odds": float("nan")}, "finite normal_log_odds"),
        ({"reference_db": [0.0] * 39}, "level for each band"),
        ({"reference_db": None}, "not a model card"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_card_with_another_rule_is_no_card(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    models = copy_models(tmp_path, **changed)
    with pytest.raises(ModelError, match=reason):
        Classifier.load(models, "heart2")
