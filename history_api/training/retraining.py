"""Endpoints of retraining: queue a job, and the state of the trainer (row E6 of the heart system).

The trainer is a process of its own (`stetho trainer serve`); a job waits until it runs.
"""

from typing import Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.database.training import Job, TrainingTables
from edge_worker.directory_lock import is_locked
from edge_worker.errors import StethoError
from edge_worker.own_command import stetho
from history_api.models import models
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, get, json_answer, operation
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import COUNT, TEXT, Schema, open_object, ref, strict_object
from history_api.services import services
from history_api.training.training_data import MODEL, labels_of
from models_tflite.training.retraining import upload
from models_tflite.training.retraining.upload import TRAINER_LOCK

_STATES: Final = ("idle", "queued", "running", "promoted", "kept", "failed")
_LAST_JOBS: Final = 20
blueprint = Blueprint("training", __name__)
PATHS: Final[Paths] = {
    "/retrain": {
        "post": operation(
            "queue a job that trains a model on its training data",
            "retrain",
            {"202": json_answer(ref("RetrainAnswer"), "It waits for the trainer."), "409": PROBLEM}
            | UNAVAILABLE,
            (MODEL,),
        )
    },
    "/training-status": get(
        "the state of the trainer, and its last jobs",
        "training_status",
        {"200": json_answer(ref("TrainingStatus"))} | UNAVAILABLE,
    ),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "RetrainAnswer": strict_object({"message": TEXT, "job": COUNT, "status": TEXT}),
    "TrainingJob": open_object({"id": COUNT, "model": TEXT, "state": TEXT, "asked_at": TEXT}),
    "TrainingStatus": strict_object(
        {
            "status": {"type": "string", "enum": list(_STATES)},
            "progress": {"type": "integer", "minimum": 0, "maximum": 100, "description": "percent"},
            "message": TEXT,
            "jobs": {"type": "array", "items": ref("TrainingJob")},
            "clips": {
                "type": "object",
                "description": "number of labelled sounds by model and label: `learn` for training, `judge` "
                "held out for evaluation",
            },
        }
    ),
}


@blueprint.post("/retrain")
def retrain() -> Response:
    """Queue a job for the trainer."""
    model = g.query["model"]
    labels, tables = labels_of(model), TrainingTables(services().database)
    try:
        upload.require_two_sources(tables.clips(model), labels)
    except StethoError as error:
        raise ProblemError(409, f"{error}; upload it, and ask again") from error
    job = tables.queue_job(model)
    message = f"job {job} waits for the trainer; ask /training-status"
    response = jsonify({"message": message + no_trainer(), "job": job, "status": "queued"})
    response.status_code = 202
    return response


@blueprint.get("/training-status")
def training_status() -> Response:
    """Answer the state of the running or last job, the last jobs, and the number of labelled sounds."""
    tables = TrainingTables(services().database)
    jobs = tables.jobs(limit=_LAST_JOBS)
    current = next((job for job in jobs if job.state == "running"), jobs[0] if jobs else None)
    return jsonify(
        {
            "status": "idle" if current is None else current.state,
            "progress": _percent(current),
            "message": _message(current),
            "jobs": [{name: getattr(job, name) for name in Job.__dataclass_fields__} for job in jobs],
            "clips": _count_clips(tables),
        }
    )


def _count_clips(tables: TrainingTables) -> dict[str, dict[str, dict[str, int]]]:
    """Return the number of labelled sounds by model, label and use."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for model in models.cards(services().settings):
        for clip in tables.clips(model):
            uses = counts.setdefault(model, {}).setdefault(clip.label, {"learn": 0, "judge": 0})
            uses["judge" if clip.held_out else "learn"] += 1
    return counts


def _percent(job: Job | None) -> int:
    if job is None or job.state == "queued":
        return 0
    if job.state != "running":
        return 100
    epoch, epochs = job.progress.get("epoch"), job.progress.get("epochs")
    return min(99, round(100 * epoch / epochs)) if epoch and epochs else 0


def no_trainer() -> str:
    """Return what to do where no trainer works on this data directory; empty where one does."""
    is_there = is_locked(services().settings.data_dir / TRAINER_LOCK)
    return "" if is_there else f"; no trainer is running: `{stetho('trainer serve')}` starts one"


def _message(job: Job | None) -> str:
    if job is None:
        return ""
    if job.state == "queued":
        return f"job {job.id} of {job.model}: queued{no_trainer()}"
    if job.state == "running":
        return " ".join(f"{name} {value}" for name, value in job.progress.items())
    why = str(job.report.get("why", ""))
    return f"job {job.id} of {job.model}: {job.state}" + (f", {why}" if why else "")
