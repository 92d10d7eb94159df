"""Puts the worker together from its settings; everything that can be wrong is found before connecting."""

import os

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
    classifiers = load_all(settings.models_dir, settings.models)
    spool = Spool(settings.data_dir / "spool")
    store = Store.open(settings.database)
    intake = Intake(spool, settings, store.completeness)
    pipeline = Pipeline(settings, classifiers, spool, store)
    return Worker(settings, intake, store, pipeline, list(classifiers))


def _require_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"STETHO_DATA_DIR {settings.data_dir} cannot be made: {error.strerror}"
        ) from error
    if not os.access(settings.data_dir, os.W_OK | os.X_OK):
        raise SettingsError(f"STETHO_DATA_DIR {settings.data_dir} is not writable")
