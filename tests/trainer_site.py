"""A site of the trainer for tests: a database, and a shipped heart2 whose labels are exchanged."""

from pathlib import Path
from typing import Self

import pytest
import trainers

from edge_worker.database.store import Store
from edge_worker.database.training import Job, TrainingTables
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.training.retraining import commands
from models_tflite.training.retraining.service import RetrainingService
from models_tflite.training.retraining.training_process import TrainFunction


class TrainerSite:
    """The site, whose settings are in the environment; any right candidate is better than its heart2."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shipped = trainers.write_pair(folder / "shipped", version="1.0.0", labels=["abnormal", "normal"])
        self.settings = Settings(data_dir=folder / "data", models_dir=shipped)
        self.settings.data_dir.mkdir()
        Store.open(self.settings.database).close()
        self.tables = TrainingTables.open(self.settings.database)
        self.registry = ModelRegistry.from_settings(self.settings)
        monkeypatch.setenv("STETHO_DATA_DIR", str(self.settings.data_dir))
        monkeypatch.setenv("STETHO_MODELS_DIR", str(shipped))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tables.close()

    def submit(self, folder: Path) -> Self:
        """Submit class folders for heart2."""
        assert commands.main(["submit", "heart2", "--data", str(folder)]) == 0
        return self

    def serve(self, trainer: TrainFunction) -> Job:
        """Run the queued jobs; return the newest one."""
        RetrainingService(self.settings, self.tables, train=trainer).run(once=True)
        return self.tables.jobs()[0]

    def queue_and_run(self, trainer: TrainFunction) -> Job:
        """Queue a training of heart2 and run it."""
        self.tables.queue_job("heart2")
        return self.serve(trainer)
