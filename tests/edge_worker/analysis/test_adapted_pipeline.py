"""Calibrations and spectra in the pipeline: the same recording before, calibrated, and undone."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from adapted_models import copy_models
from conftest import beep, cut

from edge_worker.analysis.active_adaptations import ActiveAdaptations
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect
from edge_worker.database.store import Store
from edge_worker.inference.adaptation import log_odds
from edge_worker.inference.classifier import load_all
from edge_worker.inference.device_adaptation import DeviceCalibration
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol.chunk import encode
from edge_worker.settings import Settings
from simulator.sound.heart_sound import synthesise

RATE = 4000


class Rig:
    """Pipeline with a heart2 that can be calibrated, and its database."""

    def __init__(self, directory: Path, **changed: object) -> None:
        self.settings = Settings(data_dir=directory)
        self.spool = Spool(directory / "spool")
        self.store = Store.open(self.settings.database)
        self.engine = connect(self.settings.database)
        self.tables = AdaptationTables(self.engine)
        self.adaptations = ActiveAdaptations(self.tables)
        models = copy_models(directory / "models", **changed)
        self.classifiers = load_all(models, ("heart5", "heart2"))
        self.pipeline = Pipeline(
            self.settings,
            self.classifiers,
            HeartSegmenter.load(models),
            self.spool,
            self.store,
            adaptations=self.adaptations,
        )
        self.intake = Intake(self.spool, self.settings, self.store.completeness)

    def record(self, pcm: bytes, recording_id: int = 1) -> UnanalysedRecording:
        events = [
            event
            for chunk in cut(pcm, recording_id)
            for event in self.intake.receive("st-01", encode(chunk), 0.0)
            if isinstance(event, ClosedRecording)
        ]
        (unanalysed,) = self.pipeline.store(events)
        return unanalysed

    def analyse(self, unanalysed: UnanalysedRecording) -> dict[str, Any]:
        """Return the result without what differs from run to run."""
        result: dict[str, Any] = json.loads(self.pipeline.analyse(unanalysed).document)
        for model in result["models"]:
            del model["took_ms"]
        return result

    def calibration(self, **changed: Any) -> DeviceCalibration:  # noqa: ANN401 - as the fields
        facts = ("heart2", self.classifiers["heart2"].card.sha256, 1.0, 8, "folder")
        calibration = DeviceCalibration(*facts, "2026-11-20T17:20:09.000Z", "ann")  # type: ignore[arg-type]
        return replace(calibration, **changed)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.store.close()
    made.engine.dispose()


def heart(seed: int = 1) -> bytes:
    return (synthesise("normal", 72, 8.0, RATE, seed) * 32767).astype("<i2").tobytes()


def test_a_recording_before_a_calibration_with_it_and_after_it_was_undone(rig: Rig) -> None:
    recording = rig.record(heart())
    before = rig.analyse(recording)
    assert not any("calibration" in model for model in before["models"])
    rig.tables.put("st-01", rig.calibration())
    assert rig.adaptations.refresh()
    assert not rig.adaptations.refresh()
    during = rig.analyse(recording)
    assert during["models"][0] == before["models"][0]  # heart5 is not calibrated
    odds = [log_odds(each["models"][1]["probabilities"]) for each in (before, during)]
    assert odds[1] == pytest.approx(odds[0] - 1.0, abs=0.05)
    named = {"hearts": 8, "shift": 1.0, "calibrated_at": "2026-11-20T17:20:09.000Z"}
    assert during["models"][1]["calibration"] == named
    rig.tables.remove("st-01", "heart2")
    assert rig.adaptations.refresh()
    assert rig.analyse(recording) == before


def test_another_device_is_not_touched(rig: Rig) -> None:
    recording = rig.record(heart())
    before = rig.analyse(recording)
    rig.tables.put("st-02", rig.calibration())
    rig.adaptations.refresh()
    assert rig.analyse(recording) == before


def test_a_calibration_of_an_older_model_is_named_once_in_the_log_and_not_applied(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    recording = rig.record(heart())
    before = rig.analyse(recording)
    rig.tables.put("st-01", rig.calibration(sha256="0" * 64))
    rig.adaptations.refresh()
    with caplog.at_level(logging.WARNING):
        results = [rig.analyse(recording) for _ in range(3)]
    assert [each.message for each in caplog.records] == [
        "event=calibration_outdated device=st-01 model=heart2"
    ]
    assert [each["models"][1].pop("calibration") for each in results] == [{"outdated": True}] * 3
    assert results == [before] * 3


def test_a_device_learns_its_spectrum_from_usable_hearts_alone(rig: Rig) -> None:
    usable = rig.pipeline.analyse(rig.record(heart(), 1))
    noise = rig.pipeline.analyse(rig.record(beep(8 * RATE), 2))
    recording = rig.record(heart(), 3)
    of_stream = replace(recording, recording=replace(recording.recording, parent="00000000000000ff"))
    event = rig.pipeline.analyse(of_stream)
    assert usable.heart_shape is not None
    assert len(usable.heart_shape) == 40
    assert (noise.heart_shape, event.heart_shape) == (None, None)
    rig.store.save_results([usable, noise])
    spectrum = rig.tables.spectrum("st-01")
    assert spectrum is not None
    assert (spectrum.levels_db, spectrum.recordings) == (usable.heart_shape, 1)


def test_the_running_spectrum_alone_changes_a_prediction_where_the_card_has_a_weight(tmp_path: Path) -> None:
    rig = Rig(tmp_path, reference_weight=1.0, reference_db=[3.0, -3.0] * 20)
    first, second = rig.record(heart(), 1), rig.record(heart(seed=2), 2)
    before = rig.analyse(second)
    rig.store.save_results([rig.pipeline.analyse(first)])
    after = rig.analyse(second)
    assert after["models"][0] == before["models"][0]
    assert after["models"][1]["probabilities"] != before["models"][1]["probabilities"]
    assert "calibration" not in after["models"][1]
    with rig.engine.begin() as connection:  # a result without the spectrum is better than none
        connection.exec_driver_sql("DROP TABLE device_spectra")
    assert rig.analyse(second) == before
