"""Results: pages with filters, and the flat list that clients of the emotion system know."""

from itertools import islice
from typing import Any, Final, get_args
from urllib.parse import urlencode

from flask import Blueprint, Response, g, json, jsonify, request

from edge_worker.database.history import PredictionEntry
from edge_worker.database.result_query import ResultFilter, Sort
from history_api.openapi.conditional_request import ETAG, UNCHANGED, with_etag
from history_api.openapi.operation import NEXT, PRINTABLE, UNAVAILABLE, Paths, get, json_answer, limit, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, EXAM, STATUS, TEXT, TIME, Schema, list_of, ref
from history_api.services import services

EMOTION_MODEL: Final = "emotion"
blueprint = Blueprint("results", __name__)
_SORT: Final[Schema] = {"type": "string", "enum": list(get_args(Sort)), "default": "-stored"}
_YES_NO: Final[Schema] = {"type": "string", "enum": ["true", "false"]}
_REVIEWED: Final[Schema] = {"type": "string", "enum": ["confirmed", "rejected", "none"]}
FILTERS: Final = (
    query("device", DEVICE, "a device, 1 to 32 of a-z, 0-9 and -"),
    query("label", PRINTABLE, "a label that a model gave; with model: that this model gave"),
    query("model", PRINTABLE, "a model that judged the recording"),
    query("accepted", _YES_NO, "whether a model was sure; with model and label: of that label"),
    query("status", STATUS, "what came of the analysis"),
    query("reviewed", _REVIEWED, "what a person said of the result"),
    query("exam", EXAM, "an exam, 1 to 32 of a-z, 0-9 and -"),
    query("from", TIME, "earliest captured_at"),
    query("to", TIME, "captured_at from which on results are left out"),
    query("sort", _SORT, "order: as stored, newest first; by captured_at, earliest or latest (-) first"),
)
PATHS: Final[Paths] = {
    "/api/v1/results": get(
        "results, newest first, with filters and pages",
        "results",
        {"200": json_answer(ref("ResultPage"), headers=NEXT | ETAG)} | UNCHANGED | UNAVAILABLE,
        (
            *FILTERS,
            query("cursor", TEXT, "`next` of the page before, with the same filters and sort"),
            limit(50),
        ),
    ),
    "/history": get(
        "the last predictions as a flat list, one per recording and model, newest first",
        "history",
        {"200": json_answer(list_of(ref("HistoryItem")))} | UNAVAILABLE,
        (query("device", DEVICE, "a device, 1 to 32 of a-z, 0-9 and -"), limit(50)),
    ),
}


@blueprint.get("/api/v1/results")
def results() -> Response:
    """Answer a page of results, newest first."""
    page = services().history.results(wanted(), g.query["limit"], g.query["cursor"], g.query["sort"])
    # The documents are JSON already, as published: parsing them only to write them again would be slower.
    body = f'{{"items":[{",".join(page.documents)}],"next":{json.dumps(page.next)}}}\n'
    response = Response(body, mimetype="application/json")
    if page.next:
        following = urlencode({**request.args.to_dict(), "cursor": page.next})
        response.headers["Link"] = f'<{request.path}?{following}>; rel="next"'
    return with_etag(response)


def wanted() -> ResultFilter:
    """Return what the query lets through."""
    query = g.query
    if query["from"] and query["to"] and query["from"] > query["to"]:
        raise ProblemError(400, "from is later than to; no time lies between them", parameter="from")
    return ResultFilter(
        device=query["device"],
        label=query["label"],
        model=query["model"],
        status=query["status"],
        since=query["from"],
        until=query["to"],
        accepted=None if query["accepted"] is None else query["accepted"] == "true",
        reviewed=query["reviewed"],
        exam=query["exam"],
    )


@blueprint.get("/history")
def history() -> Response:
    """Answer the last predictions as a flat list, newest first."""
    verdicts = services().history.predictions(g.query["limit"], g.query["device"])
    return jsonify([flat(verdict) for verdict in verdicts])


def flat(verdict: PredictionEntry) -> dict[str, Any]:
    """Return a prediction in the words of the emotion system."""
    ranked = sorted(verdict.probabilities.items(), key=lambda item: item[1], reverse=True)
    emotion = {"predicted_emotion": verdict.label} if verdict.model == EMOTION_MODEL else {}
    return {
        "timestamp": verdict.captured_at,
        "filename": verdict.audio_file.rsplit("/", 1)[-1],
        "device_id": verdict.device_id,
        "recording_id": verdict.recording_id,
        "model": verdict.model,
        "label": verdict.label,
        **emotion,
        "confidence": round(verdict.confidence, 4),
        "accepted": verdict.accepted,
        "top_3_probabilities": {label: round(share, 4) for label, share in islice(ranked, 3)},
    }
