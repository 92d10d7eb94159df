"""The trainer process with real training, on sounds that are easy to learn."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trainers
from conftest import wait_until

from edge_worker.database.store import Store
from edge_worker.database.training import TrainingTables
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.training.__main__ import main

pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed: pip install -r requirements/training.txt"
)
pytestmark = pytest.mark.training


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A site whose shipped heart2 has its labels exchanged, with labelled recordings submitted."""
    shipped = trainers.write_pair(tmp_path / "shipped", version="1.0.0", labels=["abnormal", "normal"])
    monkeypatch.setenv("STETHO_MODELS_DIR", str(shipped))
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    made = Settings.from_environ(os.environ)
    Store.open(made.database).close()
    assert main(["submit", "heart2", "--data", str(trainers.write_clips(tmp_path / "labelled", 8))]) == 0
    return made


def serve(*options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "models_tflite.training", "serve", *options],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(300)
def test_e6_serve_promotes_a_better_model_and_keeps_an_unbeaten_one(settings: Settings) -> None:
    tables = TrainingTables.open(settings.database)
    served = serve("--once", "--epochs", "1")
    wait_until(lambda: tables.jobs()[0].progress.get("epoch") == 1, "the epoch", within_s=200)
    _, errors = served.communicate(timeout=200)
    assert served.returncode == 0, errors
    (first,) = tables.jobs()
    assert first.state == "promoted", first.report
    version = f"1.0.0+local.{first.id}"
    registry = ModelRegistry.from_settings(settings)
    assert registry.active("heart2") == version
    card = registry.card("heart2", version)
    assert (card["version"], card["sha256"]) == (version, first.report["candidate"]["sha256"])
    assert card["data"] == ["labelled uploads of this site"]
    assert card["training"]["recordings"] == first.report["learned"] == 12, "four of 16 are held out"

    tables.queue_job("heart2")  # nothing new to learn, and the same seed
    assert serve("--once", "--epochs", "1").wait(200) == 0
    second = tables.jobs()[0]
    assert (second.state, registry.active("heart2")) == ("kept", version), second.report


@pytest.mark.timeout(300)
def test_e6_one_trainer_serves_and_sigterm_queues_the_job_again(settings: Settings) -> None:
    tables = TrainingTables.open(settings.database)
    trainer = serve("--epochs", "500")
    try:
        wait_until(
            lambda: any(job.progress.get("phase") == "training" for job in tables.jobs(state="running")),
            "a training that began",
            within_s=90,
        )
        second = serve("--once")
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "another trainer serves" in errors.splitlines()[-1]
        trainer.send_signal(signal.SIGTERM)
        assert trainer.wait(30) == 0
    finally:
        trainer.kill()
        output, _ = trainer.communicate()
    assert "event=stopped" in output
    assert [job.state for job in tables.jobs()] == ["queued"]
    assert ModelRegistry.from_settings(settings).active("heart2") is None
