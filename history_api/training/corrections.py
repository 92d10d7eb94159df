"""Endpoint that hands the recordings which reviewers corrected to retraining, in one step."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.database.training import TrainingTables
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import StethoError
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, json_answer, operation, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import COUNT, TEXT, Schema, map_of, or_null, strict_object
from history_api.services import services
from history_api.training.retraining import no_trainer
from history_api.training.training_data import MODEL, labels_of
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.retraining import review_clips, upload
from models_tflite.training.retraining.review_clips import REASONS

_MOST: Final = 500
"""New recordings that are read in one request."""
_YES_NO: Final[Schema] = {"type": "string", "enum": ["true", "false"], "default": "false"}
blueprint = Blueprint("corrections", __name__, url_prefix="/api/v1/training")
PATHS: Final[Paths] = {
    "/api/v1/training/corrections": {
        "post": operation(
            "hand the recordings that reviewers corrected to the training of a model, and queue a job",
            "hand_over_corrections",
            {
                "200": json_answer(
                    strict_object(
                        {
                            "message": TEXT,
                            "added": COUNT,
                            "held_out": COUNT,
                            "known": COUNT | {"description": "how many were clips before"},
                            "waiting": COUNT | {"description": "more than are read at once: ask again"},
                            "left_out": map_of(COUNT) | {"description": f"why: {', '.join(REASONS)}"},
                            "job": or_null({"type": "integer", "description": "null: there is none"}),
                        }
                    )
                ),
                "409": PROBLEM,
            }
            | UNAVAILABLE,
            (MODEL, query("confirmed", _YES_NO, "also those whose label reviewers confirmed")),
        )
    },
}


@blueprint.post("/corrections")
def hand_over() -> Response:
    """Hand over what reviewers corrected; queue a job, or say why there is none."""
    model = g.query["model"]
    labels, tables = labels_of(model), TrainingTables(services().database)
    data_dir = services().settings.data_dir
    try:
        with lock_directory(
            data_dir / "submit.lock", "other training data is being added; try again afterwards"
        ):
            done = review_clips.hand_over(
                tables,
                services().audio,
                model,
                labels,
                with_confirmed=g.query["confirmed"] == "true",
                most=_MOST,
            )
    except StethoError as error:
        raise ProblemError(409, str(error)) from error
    job, what = _queued(tables, model, labels)
    answer: dict[str, Any] = {
        "message": f"{done.sentence[:1].upper()}{done.sentence[1:]}. {what}",
        "added": len(done.added),
        "held_out": sum(clip.held_out for clip in done.added),
        "known": done.known,
        "waiting": done.waiting,
        "left_out": dict(done.left_out),
        "job": job,
    }
    return jsonify(answer)


def _queued(tables: TrainingTables, model: str, labels: Sequence[str]) -> tuple[int | None, str]:
    """Queue a job; return its id, None where there cannot be one, and a sentence."""
    try:
        upload.require_trainable(tables.clips(model), labels)
    except TrainingError as error:
        return None, f"No job yet: {error}"
    job = tables.queue_job(model)
    return job, f"Job {job} waits for the trainer{no_trainer()}"
