"""E6: a model is retrained and put to use while devices stream, and no chunk is lost."""

import itertools
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trainers
from conftest import Client, Device, cut, wait_until

from edge_worker.database.training import TrainingTables
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.training.retraining import commands
from models_tflite.training.retraining.service import RetrainingService
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise

RATE = 4000
DEVICES = ("st-01", "st-02", "st-03")
AT_LEAST = 2
"""Results of each device in each phase."""
PACE_S = 0.02
"""Between chunks: fast, and room for the rest of the test."""


class Stream(threading.Thread):
    """A device that sends one recording after the other until it is stopped."""

    def __init__(self, device: Device, pcm: bytes) -> None:
        super().__init__(daemon=True)
        self.device, self.pcm, self.sent = device, pcm, 0
        self.is_stopping = False

    def run(self) -> None:
        for number in itertools.count(1):
            if self.is_stopping:
                return
            for chunk in cut(self.pcm, number, size=1000):
                self.device.send(chunk)
                time.sleep(PACE_S)
            self.sent = number

    def stop(self) -> None:
        self.is_stopping = True
        self.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose shipped heart2 has its labels exchanged, so that any candidate is better."""
    shipped = trainers.write_pair(tmp_path / "shipped", "heart5")
    trainers.write_pair(shipped, "heart2", version="1.0.0", labels=["abnormal", "normal"])
    trainers.write_pair(shipped, "segments")
    with Site(tmp_path / "site", {"STETHO_MODELS_DIR": str(shipped)}) as running:
        yield running


def heart2_of(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return version and SHA-256 of heart2 in each result."""
    return [
        (each["version"], each["sha256"])
        for result in results
        for each in result["models"]
        if each["model"] == "heart2"
    ]


def results_of(client: Client) -> list[dict[str, Any]]:
    return [result for name in DEVICES for result in client.documents(f"stetho/v1/result/{name}")]


def version_runs_of(client: Client, device: str) -> list[tuple[str, int]]:
    """Return the versions that classified a device's recordings, in order, each with how many in a row."""
    versions = [version for version, _ in heart2_of(client.documents(f"stetho/v1/result/{device}"))]
    return [(version, len(list(run))) for version, run in itertools.groupby(versions)]


def test_e6_a_better_model_takes_over_and_is_rolled_back_while_chunks_arrive_and_none_is_lost(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in site.environ.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environ(site.environ)
    worker = site.start_worker()
    pcm = (synthesise("normal", 72, 4.0, RATE, 1) * 32767).astype("<i2").tobytes()
    with Client(site.broker, site.operator, "stetho/v1/result/#") as client:
        devices = [Device(site, name) for name in DEVICES]
        streams = [Stream(device, pcm) for device in devices]
        for stream in streams:
            stream.start()

        def wait_for(*versions: str) -> None:
            wait_until(
                lambda: all(
                    [version for version, _ in phases] == [*versions] and phases[-1][1] >= AT_LEAST
                    for phases in (version_runs_of(client, name) for name in DEVICES)
                ),
                f"results of {versions} from each device",
            )

        wait_for("1.0.0")
        data = str(trainers.write_clips(tmp_path / "clips"))
        assert commands.main(["submit", "heart2", "--data", data]) == 0
        tables = TrainingTables.open(settings.database)
        RetrainingService(settings, tables, train=trainers.good).run(once=True)
        (job,) = tables.jobs()
        assert job.state == "promoted", job.report
        new = job.report["candidate"]["version"]
        wait_for("1.0.0", new)
        assert commands.main(["rollback", "heart2", "shipped"]) == 0
        wait_for("1.0.0", new, "1.0.0")
        for stream in streams:
            stream.stop()
        sent = {
            (stream.device.device_id, f"{n:016x}") for stream in streams for n in range(1, stream.sent + 1)
        }
        wait_until(lambda: len(results_of(client)) >= len(sent), "a result of every recording")
        for device in devices:
            device.__exit__(None, None, None)
        results = results_of(client)

    assert len(results) == len(sent), "one result each"
    assert {(each["device_id"], each["recording_id"]) for each in results} == sent
    assert {each["completeness"] for each in results} == {"complete"}
    registry = ModelRegistry.from_settings(settings)
    made_by = {
        (card["version"], card["sha256"])
        for card in (registry.card("heart2", None), registry.card("heart2", new))
    }
    assert set(heart2_of(results)) == made_by, "each names the version and the bytes that made it"
    labels = {(each["models"][1]["version"], each["models"][1]["label"]) for each in results}
    assert len(labels) == 2, (
        "one sound, two models that contradict each other: each result names the one that classified"
    )
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        stored = connection.execute(
            "SELECT version, sha256 FROM predictions WHERE model = 'heart2'"
        ).fetchall()
    assert sorted(stored) == sorted(heart2_of(results))
    assert worker.stop() == 0
    assert worker.log.count("event=model_changed model=heart2") == 2
    assert "level=ERROR" not in worker.log
    capsys.readouterr()


def test_e6_a_damaged_version_changes_nothing_for_a_running_worker(site: Site, tmp_path: Path) -> None:
    worker = site.start_worker()
    registry = ModelRegistry.from_settings(Settings.from_environ(site.environ))
    damaged = trainers.write_pair(tmp_path / "damaged", version="2.0.0", sha256="0" * 64)
    registry.put("heart2", "2.0.0", damaged)
    registry.activate("heart2", "2.0.0")
    worker.wait_for("event=model_refused model=heart2 stays=1.0.0")
    pcm = (synthesise("normal", 72, 4.0, RATE, 1) * 32767).astype("<i2").tobytes()
    with Client(site.broker, site.operator, "stetho/v1/result/#") as client, Device(site, "st-01") as device:
        device.send_all(cut(pcm, 1))
        result = client.wait_for("stetho/v1/result/st-01")
    assert [version for version, _ in heart2_of([result])] == ["1.0.0"]
    assert worker.log.count("event=model_refused") == 1
