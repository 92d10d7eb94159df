"""The trainer process: takes jobs, trains candidates, lets the better of two models serve."""

import logging
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from edge_worker.database.store import StoreFault
from edge_worker.database.training import Job, JobState, TrainingTables
from edge_worker.errors import StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.registry import recipe_of
from models_tflite.training.retraining import candidate, comparison, material, training_process
from models_tflite.training.retraining.training_process import Order, Progress, Trainer
from models_tflite.training.retraining.versions import LOCAL, Versions

_LOG = logging.getLogger(__name__)
_POLL_S: Final = 0.5
_NOTE_EVERY_S: Final = 1.0


class Interrupted(Exception):  # noqa: N818 not an error: somebody said stop
    """The process is to end; the job at hand waits again."""


class Service:
    """Works through jobs one by one."""

    def __init__(
        self,
        settings: Settings,
        ledger: TrainingTables,
        *,
        data: Path | None = None,
        epochs: int | None = None,
        trainer: Trainer = candidate.train,
    ) -> None:
        """Prepare; `data` holds the public datasets that candidates learn beside the uploads."""
        self._data_dir = settings.data_dir
        self._ledger = ledger
        self._versions = Versions(ModelRegistry.from_settings(settings), ledger)
        self._data, self._epochs, self._trainer = data, epochs, trainer
        self._stopping = False
        self._noted_at, self._phase = 0.0, ""

    def run(self, *, once: bool = False) -> None:
        """Serve until `stop`, or until no job waits.

        Raises:
            StoreError, OperationalError: the database refuses; the job at hand is found at the next start.
        """
        self._versions.recover()
        while not self._stopping:
            job = self._ledger.start_next_job()
            if job is not None:
                self._do(job)
            elif once:
                return
            else:
                time.sleep(_POLL_S)

    def stop(self) -> None:
        """End `run` soon; safe from a signal handler."""
        self._stopping = True

    def _do(self, job: Job) -> None:
        _LOG.info("event=job_started job=%d model=%s", job.id, job.model)
        state: JobState = "failed"
        why = "a fault of this program: look into the trainer's log"
        try:
            with tempfile.TemporaryDirectory(prefix="stetho-training-") as folder:
                state, why = self._retrain(job, Path(folder))
        except Interrupted:
            self._ledger.requeue_job(job.id)
            state, why = "queued", "stopped"
        except StoreFault:
            raise
        except (StethoError, OSError) as error:
            why = str(error)
        except Exception:
            _LOG.exception("event=failed job=%d", job.id)
        if state == "failed":
            self._ledger.finish_job(job.id, state, {"why": why})
        _LOG.info("event=job_ended job=%d model=%s state=%s why=%r", job.id, job.model, state, why)

    def _retrain(self, job: Job, folder: Path) -> tuple[JobState, str]:
        """Train a candidate in `folder` and let it serve if it wins; return how the job ended, and why."""
        model, note = job.model, partial(self._note, job.id)
        incumbent, recipe = self._versions.active(model), recipe_of(model)
        if set(recipe.labels) != set(incumbent.card.labels):
            raise TrainingError(
                f"{model} {incumbent.card.version} has other labels than this program trains: "
                "roll back to `shipped`; if that is it, install models and program of one release"
            )
        known = material.gather(
            self._ledger.clips(model), self._data_dir, recipe, self._data, incumbent.card.labels
        )
        version = self._versions.next(incumbent, job.id)
        order = Order(model, version, known.learn, self._data, folder, self._epochs)
        training_process.run(self._trainer, order, note)
        made = Classifier.load(folder, model)
        is_shipped = LOCAL not in incumbent.card.version
        compared = comparison.compare(made, incumbent, known, note, is_flattered=is_shipped)
        report = {
            "candidate": _name(made),
            "incumbent": _name(incumbent),
            "learned": len(known.learn),
            **compared.document(),
        }
        if self._versions.active(model).card.sha256 != incumbent.card.sha256:
            why = "another version was put to use meanwhile: submit again"
            self._ledger.finish_job(job.id, "kept", {**report, "why": why})
            return "kept", why
        if compared.objection() is None:
            self._versions.promote(made, folder, job.id, report)
            return "promoted", report["why"]
        self._ledger.finish_job(job.id, "kept", report)
        return "kept", report["why"]

    def _note(self, job: int, progress: Progress | None) -> None:
        """Write progress down: each phase, and within one every second."""
        if self._stopping:
            raise Interrupted
        if progress is None:
            return
        if progress["phase"] != self._phase or time.monotonic() - self._noted_at >= _NOTE_EVERY_S:
            try:
                self._ledger.save_progress(job, progress)
            except StoreFault as error:  # what was trained is worth more than the note
                _LOG.warning("event=note_refused job=%d error=%r", job, str(error).split("\n", 1)[0])
            self._phase, self._noted_at = progress["phase"], time.monotonic()


def _name(classifier: Classifier) -> dict[str, str]:
    return {"version": classifier.card.version, "sha256": classifier.card.sha256}
