"""`/api/v1/devices` and the visualizations of the heart system."""

import json
from dataclasses import replace

import pytest
from archive import MORNING, Api, Archive, problem

from edge_worker.database import device_query
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect
from edge_worker.inference.device_adaptation import DeviceCalibration

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")


def test_c6_devices_are_listed_with_their_last_recording(archive: Archive, api: Api) -> None:
    archive.add(1, "st-02", captured_at="2026-11-20T07:00:00.000Z")
    archive.add(
        2, "st-02", captured_at="2026-11-20T09:00:00.000Z", labels={"heart5": "murmur", "heart2": "abnormal"}
    )
    archive.add(3, "st-01", is_analysed=False)
    items = api.json("/api/v1/devices")["items"]
    assert [(item["device_id"], item["recordings"]) for item in items] == [("st-01", 1), ("st-02", 2)]
    assert (items[0]["last_status"], items[0]["last_label"]) == (None, None)
    assert items[1] == api.json("/api/v1/devices/st-02")
    assert items[1] | {"links": None} == {
        "device_id": "st-02",
        "recordings": 2,
        "first_captured_at": "2026-11-20T07:00:00.000Z",
        "last_captured_at": "2026-11-20T09:00:00.000Z",
        "last_recording_id": "0000000000000002",
        "last_status": "ok",
        "last_label": "murmur",
        "last_severity": "finding",
        "calibrations": [],
        "links": None,
    }
    assert len(api.json(items[1]["links"]["results"])["items"]) == 2
    problem(api.get("/api/v1/devices/st-03"), 404)
    problem(api.get("/api/v1/devices/a%00"), 404)


def test_the_calibrations_of_a_device_are_in_its_document(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01")
    archive.add(2, "st-02")
    card = {"model": "heart2", "sha256": "a" * 64, "labels": ["abnormal", "normal"], "adaptation": {}}
    (archive.settings.models_dir / "heart2.json").write_text(json.dumps(card))
    engine = connect(archive.settings.database)
    tables = AdaptationTables(engine)
    calibration = DeviceCalibration("heart2", "a" * 64, 0.7, 12, "folder", MORNING, "ann", (0.0,) * 40)
    tables.put("st-01", calibration)
    (document,) = api.json("/api/v1/devices/st-01")["calibrations"]
    assert document == {
        "model": "heart2",
        "sha256": "a" * 64,
        "shift": 0.7,
        "hearts": 12,
        "source": "folder",
        "calibrated_at": MORNING,
        "calibrated_by": "ann",
        "abnormal_hearts": 0,
        "threshold": None,
        "in_use": True,
    }
    items = api.json("/api/v1/devices")["items"]
    assert [each["calibrations"] for each in items] == [[document], []]
    tables.put("st-01", replace(calibration, sha256="b" * 64))
    assert not api.json("/api/v1/devices/st-01")["calibrations"][0]["in_use"]
    assert api.ask("DELETE", "/api/v1/devices/st-01").status_code == 204
    assert tables.all() == {}
    engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("device", [None, "st-01"])
def test_devices_are_counted_with_covering_indexes_only(archive: Archive, device: str | None) -> None:
    archive.add(1)
    engine = connect(archive.settings.database)
    statement = device_query._query(device).compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    engine.dispose()
    whole = [line for line in plan if "recordings" in line and "PRIMARY KEY" not in line]
    assert all("COVERING INDEX recordings_by_device" in line for line in whole), plan
    assert any("SEARCH" in line or "SCAN" in line for line in whole)


def test_e5_prediction_history_is_the_last_100(archive: Archive, api: Api) -> None:
    archive.add(1)
    archive.add(2, labels={f"m{number}": "a" for number in range(100)})
    items = api.json("/visualizations/prediction-history")["history"]
    assert len(items) == 100
    assert items == api.json("/history?limit=100")
    assert {item["recording_id"] for item in items} == {f"{2:016x}"}
    assert len(api.json("/visualizations/prediction-history?limit=1")["history"]) == 1


def test_e5_class_distribution_counts_by_model_and_label(archive: Archive, api: Api) -> None:
    assert api.json("/visualizations/class-distribution") == {
        "distribution": {"normal": 0, "abnormal": 0},
        "models": {},
    }
    archive.add(1, labels={"heart5": "normal", "heart2": "normal"})
    archive.add(2, labels={"heart5": "normal"})
    archive.add(3, labels={"heart5": "murmur"})
    assert api.json("/visualizations/class-distribution") == {
        "distribution": {"normal": 1, "abnormal": 0},
        "models": {"heart2": {"normal": 1}, "heart5": {"murmur": 1, "normal": 2}},
    }
