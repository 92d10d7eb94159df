"""Each check of `stetho doctor` on a real site, with the one thing wrong that it is for."""

import json
import os
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Device, beep, cut, rows, wait_until

from broker import certificate
from broker.mosquitto import Broker
from edge_worker import doctor
from edge_worker.errors import BrokerError, SettingsError, SpoolError, StoreError
from edge_worker.ingest.quarantine import Origin, Quarantine
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.upkeep import data_checks, site_checks
from simulator.site.site import Site

PCM = beep(16_000)


@pytest.fixture
def settings(site: Site) -> Settings:
    """Settings of a site with one recording, whose worker is stopped, and long ago."""
    worker = site.start_worker()
    with Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        device.wait_for("stetho/v1/device/st-01/down/result")
        wait_until(lambda: rows(site, "SELECT * FROM outbox") == [], "an empty outbox")
    worker.stop()
    write_heartbeat(site, "2026-01-01T00:00:00.000Z")
    return Settings.from_environ(site.environ)


def write_heartbeat(site: Site, seen_at: str | None = None, **facts: object) -> None:
    """Write what a worker of this moment, or of another, would."""
    document = json.dumps({"state": "ready", **facts})
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        connection.execute(
            "UPDATE workers SET seen_at = ?, document = ?", (seen_at or rfc3339(datetime.now(UTC)), document)
        )


def aged(path: Path) -> Path:
    """Make a file an hour old."""
    os.utime(path, (time.time() - 3600,) * 2)
    return path


def test_the_account_is_let_in_and_what_waits_for_the_worker_stays(site: Site, settings: Settings) -> None:
    with Device(site, "st-02") as device:
        device.send_all(cut(PCM, 7))
        assert "may publish" in site_checks.check_account(settings)
        assert "may publish" in site_checks.check_account(settings)
        site.start_worker()
        device.wait_for("stetho/v1/device/st-02/down/result", recording_id=f"{7:016x}")


def test_a_running_worker_is_not_disturbed(site: Site, settings: Settings) -> None:
    worker = site.start_worker()
    before = worker.log.count("event=disconnected")
    fresh = "SELECT seen_at > '2026-01-02' AND document LIKE '%\"ready\"%' FROM workers"
    wait_until(lambda: rows(site, fresh) == [(1,)], "the heartbeat")
    assert "is connected" in site_checks.check_account(settings)
    assert "is ready" in site_checks.check_worker(settings)
    assert worker.log.count("event=disconnected") == before


def test_an_account_that_cannot_do_the_work_is_named(site: Site, settings: Settings) -> None:
    with pytest.raises(BrokerError, match="--rotate"):
        site_checks.check_account(replace(settings, mqtt_password="wrong"))
    operator = replace(settings, mqtt_username=site.operator.username, mqtt_password=site.operator.password)
    with pytest.raises(BrokerError, match="may not publish"):
        site_checks.check_account(operator)
    site.broker.kill()
    with pytest.raises(BrokerError, match="stetho broker"):
        site_checks.check_account(settings)


def test_a_certificate_is_trusted_and_one_that_expires_soon_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(folder: Path) -> str:
        with Broker(folder, tls=True) as broker:
            port = broker.tls_port or 0
            return site_checks.check_broker(
                Settings(mqtt_host=broker.host, mqtt_port=port, mqtt_ca_file=broker.ca_path)
            )

    assert "trusted until 20" in checked(tmp_path / "long")
    monkeypatch.setattr(certificate, "SERVER_DAYS", 10)
    with pytest.raises(BrokerError, match=r"expires on 20.*stetho certificate server"):
        checked(tmp_path / "soon")
    monkeypatch.setattr(certificate, "SERVER_DAYS", 0)
    with pytest.raises(BrokerError, match=r"expired.*if this clock is wrong"):
        checked(tmp_path / "expired")


def test_pages_of_the_database_that_are_damaged_are_found(settings: Settings) -> None:
    assert "whole" in data_checks.check_database(settings)
    path = settings.data_dir / "stetho.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    page = 4096
    for number in range(2, len(content) // page):
        content[number * page : number * page + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="stetho restore"):
        data_checks.check_database(settings)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("st-01/0000000000000009.chunks", b"no chunk file"),
        ("st-01/0000000000000009.chunks", b"STSPOOL1" + bytes(8) + b"STH1" + bytes(40)),
        ("st-01/0000000000000009.stream/000000.chunks", b""),
        ("st-01/0000000000000009.stream/state.json", b"{"),
    ],
)
def test_damaged_files_of_the_spool_are_named(settings: Settings, name: str, content: bytes) -> None:
    assert data_checks.check_spool(settings).startswith("0 files")
    path = settings.data_dir / "spool" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert data_checks.check_spool(settings).startswith("1 files")  # it may still be written
    aged(path)
    with pytest.raises(SpoolError, match=path.name):
        data_checks.check_spool(settings)


def test_orphans_are_named(settings: Settings) -> None:
    assert "each file its recording" in data_checks.check_audio(settings)
    wav = settings.data_dir / "audio/st-01/0000000000000001.wav"
    other = wav.with_name("00000000000000ff.wav")
    other.write_bytes(b"sound")
    data_checks.check_audio(settings)  # it may be stored at this moment
    aged(other)
    with pytest.raises(StoreError, match=r"00000000000000ff\.wav is without a recording"):
        data_checks.check_audio(settings)
    wav.unlink()
    with pytest.raises(StoreError, match=r"0000000000000001\.wav is named by a recording, but gone"):
        data_checks.check_audio(settings)


def test_what_was_set_aside_is_counted(settings: Settings) -> None:
    assert data_checks.check_quarantine(settings) == "empty"
    Quarantine(settings.data_dir / "quarantine").put(Origin("message", "st-01"), b"x", "an odd message")
    with pytest.raises(SpoolError, match="an odd message"):
        data_checks.check_quarantine(settings)


def test_messages_that_do_not_leave_are_counted(site: Site, settings: Settings) -> None:
    assert data_checks.check_outbox(settings).startswith("0 messages")
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        connection.executemany(
            "INSERT INTO outbox (topic, payload, retain) VALUES ('t', x'00', 0)", [()] * 101
        )
    with pytest.raises(StoreError, match="101 messages wait"):
        data_checks.check_outbox(settings)


def test_files_that_others_may_read_are_named(settings: Settings, tmp_path: Path) -> None:
    assert "no other user" in data_checks.check_privacy(settings)
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o644)
    with pytest.raises(SettingsError, match="password is open"):
        data_checks.check_privacy(replace(settings, mqtt_password_file=password))
    (settings.data_dir / "stetho.db").chmod(0o640)
    settings.data_dir.chmod(0o755)
    with pytest.raises(SettingsError, match="2 files"):
        data_checks.check_privacy(settings)


def test_what_the_worker_says_of_itself_is_passed_on(site: Site, settings: Settings) -> None:
    assert "no worker runs" in site_checks.check_devices(settings)
    write_heartbeat(site, state="degraded", faults=["No space left on device"])
    with pytest.raises(StoreError, match="No space left on device"):
        site_checks.check_worker(settings)
    write_heartbeat(site, state="offline")
    with pytest.raises(StoreError, match="not connected"):
        site_checks.check_worker(settings)
    assert "no two devices" in site_checks.check_devices(settings)
    write_heartbeat(site, shared_accounts=["st-01"])
    with pytest.raises(StoreError, match="st-01"):
        site_checks.check_devices(settings)


def test_a_monitor_gets_json(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.data_dir == site.data_dir
    for name, value in site.environ.items():
        monkeypatch.setenv(name, value)
    assert doctor.main(["--json"]) == 1  # no worker runs
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert [each["name"] for each in document["checks"]] == list(doctor.CHECKS)
    assert [each["name"] for each in document["checks"] if not each["ok"]] == ["worker"]
