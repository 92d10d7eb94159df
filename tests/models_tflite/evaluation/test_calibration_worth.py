"""What known hearts are worth: on a made-up site whose bias is known, and the command on synthetic hearts."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from adapted_models import ADAPTATION, copy_models

from edge_worker.errors import AudioError
from edge_worker.inference.adaptation import AdaptationRule
from edge_worker.inference.device_adaptation import DeviceSpectrum
from models_tflite import report
from models_tflite.evaluation.calibration_worth import FloatArray, SiteRecordings, worth
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

RULE = AdaptationRule.parse(ADAPTATION | {"normal_log_odds": -2.0, "reference_db": [0.0, 0.0]})
PATIENTS, EACH, BIAS = 20, 4, 3.0


def site(spectra: list[DeviceSpectrum | None]) -> SiteRecordings:
    """Return a site where every heart sounds by `BIAS` more abnormal than where the rule was measured."""
    random = np.random.default_rng(1)
    is_abnormal = np.repeat(np.arange(PATIENTS) % 2 == 1, EACH)
    odds = np.where(is_abnormal, 2.0, -2.0) + BIAS + random.normal(0, 0.5, PATIENTS * EACH)

    def judge(spectrum: DeviceSpectrum | None) -> FloatArray:
        spectra.append(spectrum)
        return odds

    patients = np.repeat([f"p{number}" for number in range(PATIENTS)], EACH)
    return SiteRecordings(is_abnormal, patients, np.ones((len(odds), 2)), judge)


def test_known_hearts_undo_the_bias_of_a_site() -> None:
    spectra: list[DeviceSpectrum | None] = []
    figures = worth(RULE, site(spectra), (0, 5, 20), 10)
    assert set(spectra) == {None}
    assert figures["0"]["shift"] == [0, 0, 0]
    assert figures["0"]["recording_specificity"][0] < 0.1
    assert figures["0"]["recording_sensitivity"][0] == 1
    assert figures["5"]["hearts"][0] == 5
    assert figures["5"]["shift"][0] == pytest.approx(BIAS, abs=0.5)
    assert figures["20"]["recording_balanced_accuracy"][0] > 0.98
    assert figures["20"]["patient_balanced_accuracy"][0] == 1
    assert worth(RULE, site([]), (0, 5, 20), 10) == figures


def test_the_spectrum_is_that_of_the_known_hearts_or_of_all() -> None:
    spectra: list[DeviceSpectrum | None] = []
    worth(replace(RULE, reference_weight=1.0), site(spectra), (0, 5), 1)
    assert [each and each.recordings for each in spectra] == [PATIENTS * EACH, 5]


def test_a_site_without_enough_patients_is_one_sentence() -> None:
    made = site([])
    few = np.isin(made.patients, ["p0", "p2", "p1"])
    with pytest.raises(AudioError, match="2 healthy patients"):
        worth(RULE, replace(made, is_abnormal=made.is_abnormal[few], patients=made.patients[few]), (0,), 1)
    with pytest.raises(AudioError, match="sick ones"):
        worth(RULE, replace(made, is_abnormal=np.zeros_like(made.is_abnormal)), (0,), 1)


def test_the_command_measures_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = copy_models(tmp_path / "models")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "label", "patient"))
        for number in range(6):
            finding, label = ("murmur", "abnormal") if number > 3 else ("normal", "normal")
            sound = heart_sound(finding, 60 + 4 * number, 8.0, 4000, number)  # type: ignore[arg-type]
            write(tmp_path / f"{number}.wav", from_samples(sound.samples, 4000))
            table.writerow((f"{number}.wav", label, f"p{number}"))
    labels = str(tmp_path / "labels.csv")
    arguments = ["calibration", "heart2", "--labels", labels, "--models-dir", str(models)]
    assert report.main([*arguments, "--group-column", "patient", "--known", "0", "2", "--draws", "3"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["recordings"], printed["usable"], printed["draws"]) == (6, 6, 3)
    assert set(printed["known"]) == {"0", "2"}
    assert report.main([*arguments[:-1], str(models.parent), "--group-column", "patient"]) == 2
    assert "report calibration: model heart2 needs" in capsys.readouterr().err
