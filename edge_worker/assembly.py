"""Puts the worker together from its settings; everything that can be wrong is found before connecting."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from edge_worker.classifier import load_all
from edge_worker.errors import SettingsError
from edge_worker.intake import Intake
from edge_worker.pipeline import Pipeline
from edge_worker.settings import Settings
from edge_worker.spool import Spool
from edge_worker.store import Store
from edge_worker.worker import Worker


def assemble(settings: Settings) -> Worker:
    """Return a worker that is ready to connect.

    Raises:
        StethoError: a model, a directory or the database is not usable; one sentence says which.
    """
    _require_data_dir(settings)
    claim = _claim(settings.data_dir)
    classifiers = load_all(settings.models_dir, _models(settings))
    spool = Spool(settings.data_dir / "spool")
    store = Store.open(settings.database)
    intake = Intake(spool, settings, store.completeness)
    pipeline = Pipeline(settings, classifiers, spool, store)
    return Worker(
        settings, intake=intake, store=store, pipeline=pipeline, models=list(classifiers), claim=claim
    )


def _models(settings: Settings) -> list[str]:
    """Return the default models, then every other pair that is there: a device may ask for it."""
    there = sorted(path.stem for path in settings.models_dir.glob("*.tflite"))
    return list(dict.fromkeys((*settings.models, *there)))


def _claim(data_dir: Path) -> TextIO:
    """Return the lock of the data directory: two workers in one would write into each other's recordings.

    The system takes it back when the process ends, however it ends.
    """
    file = (data_dir / "worker.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SettingsError(
            f"another worker uses STETHO_DATA_DIR {data_dir}; stop it, or give this one another directory"
        ) from error
    return file


def _require_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"STETHO_DATA_DIR {settings.data_dir} cannot be made: {error.strerror}"
        ) from error
    if not os.access(settings.data_dir, os.W_OK | os.X_OK):
        raise SettingsError(f"STETHO_DATA_DIR {settings.data_dir} is not writable")
