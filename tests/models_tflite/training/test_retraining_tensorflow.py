"""The trainer as a process that really trains, on sound that is easy to learn."""

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
    """A site whose heart2 says the opposite of what it should, with labelled sounds submitted."""
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
def test_e6_serve_promotes_what_is_better_and_keeps_what_is_not_beaten(settings: Settings) -> None:
    ledger = TrainingTables.open(settings.database)
    served = serve("--once", "--epochs", "1")
    wait_until(lambda: ledger.jobs()[0].progress.get("epoch") == 1, "the epoch", within_s=200)
    _, said = served.communicate(timeout=200)
    assert served.returncode == 0, said
    (first,) = ledger.jobs()
    assert first.state == "promoted", first.report
    version = f"1.0.0+local.{first.id}"
    shelf = ModelRegistry.from_settings(settings)
    assert shelf.active("heart2") == version
    card = shelf.card("heart2", version)
    assert (card["version"], card["sha256"]) == (version, first.report["candidate"]["sha256"])
    assert card["data"] == ["labelled uploads of this site"]
    assert card["training"]["recordings"] == first.report["learned"] == 12, "four of 16 are held out"

    ledger.queue_job("heart2")  # nothing new to learn, and the same seed
    assert serve("--once", "--epochs", "1").wait(200) == 0
    second = ledger.jobs()[0]
    assert (second.state, shelf.active("heart2")) == ("kept", version), second.report


@pytest.mark.timeout(300)
def test_e6_one_trainer_serves_and_sigterm_lets_the_job_wait_again(settings: Settings) -> None:
    ledger = TrainingTables.open(settings.database)
    trainer = serve("--epochs", "500")
    try:
        wait_until(
            lambda: any(job.progress.get("phase") == "training" for job in ledger.jobs(state="running")),
            "a training that began",
            within_s=90,
        )
        second = serve("--once")
        _, said = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "another trainer serves" in said.splitlines()[-1]
        trainer.send_signal(signal.SIGTERM)
        assert trainer.wait(30) == 0
    finally:
        trainer.kill()
        output, _ = trainer.communicate()
    assert "event=stopped" in output
    assert [job.state for job in ledger.jobs()] == ["queued"]
    assert ModelRegistry.from_settings(settings).active("heart2") is None
