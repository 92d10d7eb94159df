"""The command `stetho doctor`: on a real site that is well, and with one thing wrong at a time."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conftest import wait_until

from edge_worker import doctor
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.store import open_existing
from edge_worker.inference.device_adaptation import DeviceCalibration
from simulator.site.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        site.start_worker()
        database = f"sqlite:///{site.data_dir / 'stetho.db'}"
        wait_until(
            lambda: open_existing(database).last_heartbeat("edge-01") is not None, "the first heartbeat"
        )
        yield site


def examine(
    environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, str], dict[str, str]]:
    """Return the exit status, what passed and what failed, by the name of the check."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    status = doctor.main([])
    lines = [re.split(r"\s+", line, maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == list(doctor.CHECKS)
    passed = {name: text for state, name, text in lines if state == "ok"}
    return status, passed, {name: text for state, name, text in lines if state == "FAIL"}


def test_a_site_that_is_well_passes_every_check(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, passed, failed = examine(site.environ, monkeypatch, capsys)
    assert (status, failed) == (0, {})
    assert "heart2" in passed["models"]
    assert "the reserve is there" in passed["disk"]
    assert "segments" in passed["models"]


@pytest.mark.parametrize(
    "fault",
    [
        ({"STETHO_MQTT_PORT": "1"}, {"broker"}, "stetho broker"),
        ({"STETHO_MQTT_PASSWORD": ""}, {"account"}, "stetho provision init"),
        ({"STETHO_WORKER_ID": "edge-02"}, {"worker"}, "stetho worker"),
        ({"STETHO_MODELS_DIR": "/nonexistent"}, {"models"}, "/nonexistent"),
        (
            {"STETHO_DATA_DIR": "/nonexistent"},
            {"disk", "database", "clock", "calibrations", "audio", "outbox", "worker"},
            "the worker",
        ),
    ],
    ids=lambda fault: next(iter(fault[0])),
)
def test_what_is_wrong_is_said_with_what_to_do(
    site: Site,
    fault: tuple[dict[str, str], set[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change, broken, advice = fault
    status, _passed, failed = examine(site.environ | change, monkeypatch, capsys)
    assert status == 1
    assert set(failed) == broken
    assert all(advice in text for text in failed.values())


def test_a_certificate_of_another_ca_is_not_trusted(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("no certificate")
    _status, _passed, failed = examine(site.environ | {"STETHO_MQTT_CA_FILE": str(ca)}, monkeypatch, capsys)
    assert set(failed) == {"broker"}
    assert "STETHO_MQTT_CA_FILE" in failed["broker"]


def test_a_calibration_of_another_version_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = AdaptationTables(connect(f"sqlite:///{site.data_dir / 'stetho.db'}"))
    made = ("2026-11-20T17:20:09.000Z", "ann")
    tables.put("st-07", DeviceCalibration("heart2", "0" * 64, 0.7, 12, "folder", *made))
    status, _passed, failed = examine(site.environ, monkeypatch, capsys)
    tables.remove("st-07", "heart2")
    assert (status, set(failed)) == (1, {"calibrations"})
    assert "st-07 (heart2)" in failed["calibrations"]
    assert "stetho calibrate st-07 --undo --model heart2`" in failed["calibrations"]


def test_settings_that_cannot_be_read_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STETHO_MQTT_PORT", "many")
    assert doctor.main([]) == 2
    assert "STETHO_MQTT_PORT" in capsys.readouterr().err


def test_a_clock_that_cannot_be_right_is_a_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ClockReading, "now", lambda: ClockReading(110.0, "another start", 10.0))
    status, _, failed = examine(site.environ, monkeypatch, capsys)
    assert status == 1
    assert "the clock says 1970-01-01T00:01:50.000Z" in failed["clock"]
    assert "stetho clock confirm" in failed["clock"]
