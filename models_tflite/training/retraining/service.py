"""The trainer: takes retraining jobs from the database, trains candidates, puts better ones to use."""

import logging
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import is_sound_name
from edge_worker.database.store import StoreFault
from edge_worker.database.training import Job, JobState, TrainingTables
from edge_worker.errors import StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.registry import recipe_of
from models_tflite.training.retraining import candidate, comparison, data_split, training_process
from models_tflite.training.retraining.deployment import LOCAL, ModelDeployment
from models_tflite.training.retraining.training_process import Progress, TrainFunction, TrainingRequest

_LOG = logging.getLogger(__name__)
_POLL_S: Final = 0.5
_SAVE_EVERY_S: Final = 1.0


class Interrupted(Exception):  # noqa: N818 not an error: it was stopped
    """The trainer is to stop; the job at hand is queued again."""


class RetrainingService:
    """Runs jobs one by one."""

    def __init__(
        self,
        settings: Settings,
        tables: TrainingTables,
        *,
        data: Path | None = None,
        epochs: int | None = None,
        train: TrainFunction = candidate.train,
    ) -> None:
        """Use the site of `settings`; `data` holds public datasets to train on beside the uploads."""
        self._data_dir = settings.data_dir
        self._audio = open_audio(settings)
        self._tables = tables
        self._deployment = ModelDeployment(ModelRegistry.from_settings(settings), tables)
        self._data, self._epochs, self._train = data, epochs, train
        self._stopping = False
        self._saved_at, self._phase = 0.0, ""

    def run(self, *, once: bool = False) -> None:
        """Run jobs until `stop`, or until none waits.

        Raises:
            StoreError, OperationalError: the database refuses; the next start queues the job at hand
                again.
        """
        self._deployment.recover()
        while not self._stopping:
            job = self._tables.start_next_job()
            if job is not None:
                self._run_job(job)
            elif once:
                return
            else:
                time.sleep(_POLL_S)

    def stop(self) -> None:
        """End `run` soon; safe from a signal handler."""
        self._stopping = True

    def _run_job(self, job: Job) -> None:
        _LOG.info("event=job_started job=%d model=%s", job.id, job.model)
        state: JobState = "failed"
        why = "a fault of this program: look into the trainer's log"
        try:
            with tempfile.TemporaryDirectory(prefix="stetho-training-") as folder:
                state, why = self._retrain(job, Path(folder))
        except Interrupted:
            self._tables.requeue_job(job.id)
            state, why = "queued", "stopped"
        except StoreFault:
            raise
        except (StethoError, OSError) as error:
            why = str(error)
        except Exception:
            _LOG.exception("event=failed job=%d", job.id)
        if state == "failed":
            self._tables.finish_job(job.id, state, {"why": why})
        _LOG.info("event=job_ended job=%d model=%s state=%s why=%r", job.id, job.model, state, why)

    def _retrain(self, job: Job, folder: Path) -> tuple[JobState, str]:
        """Train a candidate in `folder`, put it to use if it is better; return the job's state, and why."""
        model, report_progress = job.model, partial(self._save_progress, job.id)
        incumbent, recipe = self._deployment.active(model), recipe_of(model)
        if set(recipe.labels) != set(incumbent.card.labels):
            raise TrainingError(
                f"{model} {incumbent.card.version} has other labels than this program trains: "
                "roll back to `shipped`; if that is it, install models and program of one release"
            )
        divided = data_split.split(
            self._tables.clips(model),
            partial(self._path_of, folder),
            recipe,
            self._data,
            incumbent.card.labels,
        )
        version = self._deployment.next_version(incumbent, job.id)
        request = TrainingRequest(model, version, divided.training, self._data, folder, self._epochs)
        training_process.run(self._train, request, report_progress)
        candidate_model = Classifier.load(folder, model)
        is_shipped = LOCAL not in incumbent.card.version
        compared = comparison.compare(
            candidate_model, incumbent, divided, report_progress, incumbent_learned_public=is_shipped
        )
        report = {
            "candidate": _identity(candidate_model),
            "incumbent": _identity(incumbent),
            "learned": len(divided.training),
            **compared.document(),
        }
        if self._deployment.active(model).card.sha256 != incumbent.card.sha256:
            why = "another version was put to use meanwhile: submit again"
            self._tables.finish_job(job.id, "kept", {**report, "why": why})
            return "kept", why
        if compared.rejection_reason() is None:
            self._deployment.promote(candidate_model, folder, job.id, report)
            return "promoted", report["why"]
        self._tables.finish_job(job.id, "kept", report)
        return "kept", report["why"]

    def _path_of(self, folder: Path, name: str) -> Path:
        """Return the file of a clip: an upload, or the sound of a recording."""
        return self._audio.as_file(name, folder) if is_sound_name(name) else self._data_dir / name

    def _save_progress(self, job: int, progress: Progress | None) -> None:
        """Write progress to the database: each phase, and within one every second."""
        if self._stopping:
            raise Interrupted
        if progress is None:
            return
        if progress["phase"] != self._phase or time.monotonic() - self._saved_at >= _SAVE_EVERY_S:
            try:
                self._tables.save_progress(job, progress)
            except StoreFault as error:  # the training is worth more than its progress
                _LOG.warning("event=note_refused job=%d error=%r", job, str(error).split("\n", 1)[0])
            self._phase, self._saved_at = progress["phase"], time.monotonic()


def _identity(classifier: Classifier) -> dict[str, str]:
    return {"version": classifier.card.version, "sha256": classifier.card.sha256}
