"""Calibrations and running spectra of devices in a real database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stored_results import NOW, result_of, store_recording, store_result

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.adaptation.running_spectrum import MOST_RECORDINGS
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import Database, connect
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.errors import StoreError
from edge_worker.inference.device_adaptation import DeviceCalibration, DeviceSpectrum

pytest_plugins = ["store_fixtures"]

CALIBRATION = DeviceCalibration("heart2", "a" * 64, 0.7, 12, "folder", NOW, "ann", (0.5,) * 40)
LATER = "2026-11-20T17:20:10.000Z"


@pytest.fixture
def engine(store: Store, url: str) -> Iterator[Database]:
    opened = connect(url)
    yield opened
    opened.dispose()


@pytest.fixture
def tables(engine: Database) -> AdaptationTables:
    return AdaptationTables(engine)


def test_a_calibration_is_kept_for_each_device_and_model(tables: AdaptationTables) -> None:
    other = replace(CALIBRATION, model="heart9", reference=None, source="reviews")
    tables.put("st-01", CALIBRATION)
    tables.put("st-01", other)
    tables.put("st-02", CALIBRATION)
    assert tables.all() == {
        "st-01": {"heart2": CALIBRATION, "heart9": other},
        "st-02": {"heart2": CALIBRATION},
    }
    newer = replace(CALIBRATION, shift=-1.0, calibrated_at=LATER)
    tables.put("st-01", newer)
    assert tables.all()["st-01"]["heart2"] == newer
    assert tables.remove("st-01", "heart2")
    assert not tables.remove("st-01", "heart2")
    assert set(tables.all()["st-01"]) == {"heart9"}


def test_every_change_has_another_token(tables: AdaptationTables) -> None:
    tokens = [tables.change_token()]
    tables.put("st-01", CALIBRATION)
    tokens.append(tables.change_token())
    tables.put("st-02", CALIBRATION)
    tokens.append(tables.change_token())
    tables.put("st-01", replace(CALIBRATION, calibrated_at=LATER))
    tokens.append(tables.change_token())
    tables.remove("st-02", "heart2")
    tokens.append(tables.change_token())
    assert len(set(tokens)) == len(tokens)
    assert tables.change_token() == tokens[-1]


def learn(store: Store, number: int, level: float, device: str = "st-01") -> None:
    result = result_of(number, device)
    row = store_recording(store, result)
    analysed = AnalysisResult(row, result, "{}", NOW, (), heart_shape=(level, -level))
    for _ in range(2):  # the second time it has its result
        store.save_results([analysed])


def test_a_spectrum_is_the_mean_of_the_recordings_and_then_follows(
    store: Store, tables: AdaptationTables
) -> None:
    assert tables.spectrum("st-01") is None
    learn(store, 1, 2.0)
    assert tables.spectrum("st-01") == DeviceSpectrum((2.0, -2.0), 1)
    learn(store, 2, 4.0)
    assert tables.spectrum("st-01") == DeviceSpectrum((3.0, -3.0), 2)
    learn(store, 3, 9.0, "st-02")
    store_result(store, result_of(4))
    assert tables.spectrum("st-01") == DeviceSpectrum((3.0, -3.0), 2)
    for number in range(10, 10 + MOST_RECORDINGS):
        learn(store, number, 3.0)
    learn(store, 9, 53.0)
    spectrum = tables.spectrum("st-01")
    assert spectrum is not None
    assert spectrum.recordings == MOST_RECORDINGS
    assert spectrum.levels_db == pytest.approx((4.0, -4.0), abs=1e-3)


def test_deleting_a_device_deletes_what_it_taught(
    store: Store, tables: AdaptationTables, url: str, tmp_path: Path
) -> None:
    learn(store, 1, 2.0)
    tables.put("st-01", CALIBRATION)
    tables.put("st-02", CALIBRATION)
    deletion = RecordingDeletion(url, AudioDirectory(tmp_path))
    assert deletion.forget_device("st-01")
    assert not deletion.forget_device("st-01")
    deletion.close()
    assert tables.spectrum("st-01") is None
    assert set(tables.all()) == {"st-02"}


def test_a_database_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    tables = AdaptationTables(connect(f"sqlite:///{tmp_path / 'empty.db'}"))
    for ask in (tables.change_token, tables.all, lambda: tables.spectrum("st-01")):
        with pytest.raises(StoreError, match="calibrations cannot be reached"):
            ask()
