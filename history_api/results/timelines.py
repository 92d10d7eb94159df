"""Timeline of a stream over HTTP: labels and heart rate of its windows as JSON, and drawn as SVG."""

import hashlib
import json
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker.database.recording_query import RecordingEntry
from history_api import lookup
from history_api.models import label_words
from history_api.openapi.conditional_request import ETAG, UNCHANGED, render_with_etag, with_etag
from history_api.openapi.operation import (
    NOT_FOUND,
    RECORDING_PARAMETERS,
    Paths,
    file_answer,
    get,
    json_answer,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import (
    DEVICE,
    NUMBER,
    RECORDING,
    TEXT,
    Schema,
    list_of,
    map_of,
    or_null,
    strict_object,
)
from history_api.pictures import timeline_chart
from history_api.pictures.recording_pictures import SVG
from history_api.services import services

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SHARES: Final = list_of(or_null({"type": "number", "minimum": 0, "maximum": 1}))


def _points(values: dict[str, Schema]) -> Schema:
    """Return the schema of a list of points; each is one window, or the mean of several adjacent ones."""
    facts = {"start_s": NUMBER, "end_s": NUMBER, "windows": _COUNT, "usable": _COUNT}
    return list_of(strict_object(facts | values))


SCHEMAS: Final[dict[str, Schema]] = {
    "Timeline": strict_object(
        {
            "recording_id": RECORDING,
            "device_id": DEVICE,
            "models": map_of(
                strict_object({"labels": list_of(TEXT), "points": _points({"probabilities": _SHARES})})
            ),
            "heart": _points({"bpm": or_null(NUMBER), "quality": or_null(NUMBER)}),
        }
    )
}
blueprint = Blueprint("timelines", __name__, url_prefix="/api/v1/recordings/<recording_id>")
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/timeline": get(
        "labels and heart rate of a stream over time",
        "timeline",
        {"200": json_answer({"$ref": "#/components/schemas/Timeline"}, headers=ETAG)} | UNCHANGED | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
    "/api/v1/recordings/{recording_id}/timeline.svg": get(
        "labels and heart rate of a stream over time, drawn",
        "timeline_svg",
        {"200": file_answer(SVG, "The picture.")} | UNCHANGED | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
}


@blueprint.get("/timeline")
def timeline(recording_id: str) -> Response:
    """Answer the windows of a stream in order of time; of a long stream, means of adjacent windows."""
    return with_etag(jsonify(_document(lookup.recording(recording_id))))


@blueprint.get("/timeline.svg")
def timeline_svg(recording_id: str) -> Response:
    """Answer the heart rate and the likeliest labels over time as a chart."""
    entry = lookup.recording(recording_id)
    words, kept_from_s = label_words.of_request(), entry.audio_start_s
    content = timeline_chart.svg(recording_id, _document(entry), words, kept_from_s).encode()
    return render_with_etag(hashlib.sha256(content).hexdigest(), SVG, lambda: content)


def _document(entry: RecordingEntry) -> dict[str, Any]:
    text = services().history.timeline(entry.device_id, entry.recording_id)
    if text is None:
        raise ProblemError(404, "only streams have a timeline, and this recording is none")
    document = json.loads(text)
    models = {
        model: {
            "labels": curve["labels"],
            "points": [{**_facts(point), "probabilities": point[4]} for point in curve["points"]],
        }
        for model, curve in document["models"].items()
    }
    heart = [{**_facts(point), "bpm": point[4][0], "quality": point[4][1]} for point in document["heart"]]
    recording = {"recording_id": entry.recording_id, "device_id": entry.device_id}
    return recording | {"models": models, "heart": heart}


def _facts(point: list[Any]) -> dict[str, Any]:
    return dict(zip(("start_s", "end_s", "windows", "usable"), point[:4], strict=True))
