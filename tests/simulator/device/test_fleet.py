"""`stetho fleet` against the real broker and the real worker."""

import json
from pathlib import Path

import pytest
from conftest import Client

from edge_worker.protocol import topics
from simulator.__main__ import main
from simulator.site.site import Site


def _credentials(site: Site, directory: Path, devices: int) -> str:
    accounts = [site.add_device(f"sim-{number:04d}") for number in range(devices)]
    path = directory / "fleet.json"
    path.write_text(json.dumps({account.username: account.password for account in accounts}))
    return str(path)


def _fleet(site: Site, credentials: str, *options: str) -> list[str]:
    at = ["--host", site.broker.host, "--port", str(site.broker.port), "--credentials", credentials]
    return ["fleet", *at, "--devices", "3", "--seconds", "4", "--recording-seconds", "2", *options]


def test_every_recording_of_a_fleet_gets_its_result(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.start_worker()
    options = ("--sample-rate", "4000", "--chunk-samples", "1024", "--ramp", "0.1", "--models", "heart2")
    assert main(_fleet(site, _credentials(site, tmp_path, 3), *options)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["devices"] == 3
    assert report["recordings"] == report["recordings_planned"] == report["stored"] == report["results"] == 6
    # A META chunk and eight of PCM, of which the last is shorter; more only where they were asked for again.
    assert report["chunks"] - report["resent_chunks"] == 6 * (1 + 8)
    assert (report["partial"], report["rejections"]) == (0, 0)
    assert sum(report["status"].values()) == 6
    assert 0 < report["last_to_stored_ms"]["p50"] <= report["last_to_result_ms"]["max"]
    assert report["wall_s"] > 4


def test_a_fleet_without_an_analyser_is_one_sentence(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_fleet(site, _credentials(site, tmp_path, 3), "--timeout", "0.2")) == 2
    assert "no analyser is online" in capsys.readouterr().err


def test_a_fleet_without_results_is_exit_status_1_and_still_a_report(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = _credentials(site, tmp_path, 3)
    with Client(site.broker, site.broker.add_user("worker", "mute"), topics.ALL_STATES) as worker:
        worker.publish(topics.worker("mute"), '{"state":"ready"}', retain=True)
        assert main(_fleet(site, credentials, "--sample-rate", "4000", "--timeout", "0.5")) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["recordings"] == report["recordings_planned"] == 6
    assert report["stored"] == report["results"] == 0
    assert report["last_to_stored_ms"] is report["last_to_result_ms"] is None
