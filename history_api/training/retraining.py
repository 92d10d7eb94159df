"""Labelled sounds for retraining, and how far the trainer is (rows E6 of the heart system).

The trainer is a process of its own (`python -m models_tflite.training serve`); what is asked here waits
for it.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import soundfile
from flask import Blueprint, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.database.training import Job, TrainingTables
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import StethoError
from history_api.models import models
from history_api.openapi.operation import (
    PRINTABLE,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    get,
    json_answer,
    operation,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema, open_object, ref, strict_object
from history_api.services import services
from models_tflite.training.retraining import upload

_SUFFIXES: Final = {"WAV": ".wav", "MP3": ".mp3", "FLAC": ".flac", "OGG": ".ogg"}
_MOST_FILES: Final = 500
_STATES: Final = ("idle", "queued", "running", "promoted", "kept", "failed")
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_MODEL: Final = query("model", {**PRINTABLE, "default": "heart2"}, "which model")
blueprint = Blueprint("training", __name__)
PATHS: Final[Paths] = {
    "/upload-training-data": {
        "post": operation(
            "labelled sounds under the key `files`: all are taken, or none",
            "upload_training_data",
            {"200": json_answer(ref("ClipsAnswer")), "409": PROBLEM, "413": PROBLEM, "415": PROBLEM}
            | UNAVAILABLE,
            (
                _MODEL,
                query("target_class", PRINTABLE, "the label of all these files"),
                query(
                    "source",
                    PRINTABLE,
                    "whom or what they are of; files of one source are never learned and judged by at once",
                ),
            ),
            {
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                            },
                            "required": ["files"],
                        }
                    }
                }
            },
        )
    },
    "/retrain": {
        "post": operation(
            "ask the trainer to train a model on what was labelled",
            "retrain",
            {"202": json_answer(ref("RetrainAnswer"), "It waits for the trainer.")} | UNAVAILABLE,
            (_MODEL,),
        )
    },
    "/training-status": get(
        "what the trainer is at, and its last jobs",
        "training_status",
        {"200": json_answer(ref("TrainingStatus"))} | UNAVAILABLE,
    ),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "ClipsAnswer": strict_object({"message": TEXT, "count": _COUNT, "held_out": _COUNT, "known": _COUNT}),
    "RetrainAnswer": strict_object({"message": TEXT, "job": _COUNT, "status": TEXT}),
    "TrainingJob": open_object({"id": _COUNT, "model": TEXT, "state": TEXT, "asked_at": TEXT}),
    "TrainingStatus": strict_object(
        {
            "status": {"type": "string", "enum": list(_STATES)},
            "progress": {"type": "integer", "minimum": 0, "maximum": 100, "description": "percent"},
            "message": TEXT,
            "jobs": {"type": "array", "items": ref("TrainingJob")},
            "clips": {
                "type": "object",
                "description": "labelled sounds by model and label: to learn, and held out to judge by",
            },
        }
    ),
}


@blueprint.post("/upload-training-data")
def upload_training_data() -> Response:
    """Take labelled sounds in."""
    model, label = g.query["model"], g.query["target_class"]
    labels = _labels(model)
    if label not in labels:
        raise ProblemError(
            400,
            f"target_class is {label!r}; {model} has {', '.join(labels)}",
            parameter="target_class",
        )
    files = request.files.getlist("files")
    if not 0 < len(files) <= _MOST_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {_MOST_FILES}")
    with _saved(files) as paths:
        uploads = [upload.Upload(path, label, g.query["source"]) for path in paths]
        added = _add(model, labels, uploads, dict(zip(paths, files, strict=True)))
    held_out = sum(clip.held_out for clip in added)
    known = len(files) - len(added)
    message = (
        f"Uploaded {len(added)} files, {held_out} of them held out to judge by; {known} were there before"
    )
    return jsonify({"message": message, "count": len(added), "held_out": held_out, "known": known})


@blueprint.post("/retrain")
def retrain() -> Response:
    """Queue a job for the trainer."""
    model = g.query["model"]
    _labels(model)
    job = _ledger().queue_job(model)
    response = jsonify(
        {"message": f"job {job} waits for the trainer; ask /training-status", "job": job, "status": "queued"}
    )
    response.status_code = 202
    return response


@blueprint.get("/training-status")
def training_status() -> Response:
    """Answer what the trainer is at."""
    ledger = _ledger()
    jobs = ledger.jobs(limit=20)
    current = next((job for job in jobs if job.state == "running"), jobs[0] if jobs else None)
    return jsonify(
        {
            "status": "idle" if current is None else current.state,
            "progress": _percent(current),
            "message": _message(current),
            "jobs": [{name: getattr(job, name) for name in Job.__dataclass_fields__} for job in jobs],
            "clips": _clips(ledger),
        }
    )


def _ledger() -> TrainingTables:
    return TrainingTables(services().database)


def _labels(model: str) -> Sequence[str]:
    found = models.cards(services().settings)
    if model not in found:
        raise ProblemError(
            400, f"there is no model {model!r}; choose of {', '.join(found)}", parameter="model"
        )
    labels: Sequence[str] = found[model]["labels"]
    return labels


@contextmanager
def _saved(files: Sequence[FileStorage]) -> Iterator[list[Path]]:
    """Keep files on disk for a moment, under names of ours; what one is, its content says."""
    folder = services().settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        paths = []
        for number, file in enumerate(files):
            path = Path(directory) / f"{number:04}"
            with path.open("wb") as copy:
                shutil.copyfileobj(file.stream, copy)
            paths.append(path.rename(path.with_suffix(_suffix(path, file.filename))))
        yield paths


def _suffix(path: Path, name: str | None) -> str:
    try:
        return _SUFFIXES[soundfile.info(str(path)).format]
    except (soundfile.LibsndfileError, KeyError):
        raise ProblemError(
            415, f"{name!r} is no wav, mp3, flac or ogg that can be read; nothing was taken over"
        ) from None


def _add(
    model: str,
    labels: Sequence[str],
    uploads: list[upload.Upload],
    names: dict[Path, FileStorage],
) -> list[Any]:
    data_dir = services().settings.data_dir
    try:
        with lock_directory(
            data_dir / "submit.lock", "somebody else adds sounds just now: repeat it afterwards"
        ):
            return list(upload.add(_ledger(), data_dir, model, labels, uploads))
    except StethoError as error:
        said = str(error)
        for path, file in names.items():
            said = said.replace(str(path), repr(file.filename))
        raise ProblemError(409, f"{said}; nothing was taken over") from error


def _clips(ledger: TrainingTables) -> dict[str, dict[str, dict[str, int]]]:
    counted: dict[str, dict[str, dict[str, int]]] = {}
    for model in models.cards(services().settings):
        for clip in ledger.clips(model):
            sides = counted.setdefault(model, {}).setdefault(clip.label, {"learn": 0, "judge": 0})
            sides["judge" if clip.held_out else "learn"] += 1
    return counted


def _percent(job: Job | None) -> int:
    if job is None or job.state == "queued":
        return 0
    if job.state != "running":
        return 100
    done, whole = job.progress.get("epoch"), job.progress.get("epochs")
    return min(99, round(100 * done / whole)) if done and whole else 0


def _message(job: Job | None) -> str:
    if job is None:
        return ""
    if job.state == "running":
        return " ".join(f"{name} {value}" for name, value in job.progress.items())
    why = str(job.report.get("why", ""))
    return f"job {job.id} of {job.model}: {job.state}" + (f", {why}" if why else "")
