"""Results over HTTP: pages with filters, and the flat list of predictions of the emotion system."""

from itertools import islice
from typing import Any, Final, get_args
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from edge_worker.database.page_cursor import Sort
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.prediction_query import PredictionEntry
from edge_worker.protocol import strict_json
from history_api.openapi.conditional_request import ETAG, UNCHANGED, with_etag
from history_api.openapi.operation import NEXT, PRINTABLE, UNAVAILABLE, Paths, get, json_answer, limit, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import (
    DEVICE,
    EXAM,
    SEVERITY,
    STATUS,
    SUBJECT,
    TEXT,
    TIME,
    Schema,
    list_of,
    ref,
)
from history_api.services import services

EMOTION_MODEL: Final = "emotion"
blueprint = Blueprint("results", __name__)
_SORT: Final[Schema] = {"type": "string", "enum": list(get_args(Sort)), "default": "-stored"}
_YES_NO: Final[Schema] = {"type": "string", "enum": ["true", "false"]}
REVIEWED: Final[Schema] = {"type": "string", "enum": ["confirmed", "rejected", "corrected", "none"]}
FILTERS: Final = (
    query("device", DEVICE, "a device, 1 to 32 of a-z, 0-9 and -"),
    query("label", PRINTABLE, "a label that a model gave; with model: that this model gave"),
    query("model", PRINTABLE, "a model that classified the recording"),
    query("accepted", _YES_NO, "whether a label was accepted; with model and label: that label"),
    query("status", STATUS, "outcome of the analysis"),
    query("verdict", PRINTABLE, "a label that is the answer for a sound: its verdict"),
    query("severity", SEVERITY, "how serious the verdict is"),
    query("disagree", _YES_NO, "whether models for hearts contradict each other"),
    query("reviewed", REVIEWED, "review of the result by a person"),
    query("corrected_to", PRINTABLE, "the label to which a reviewer corrected the result"),
    query("exam", EXAM, "an exam, 1 to 32 of a-z, 0-9 and -"),
    query("subject", SUBJECT, "whose sound it is: a pseudonym, 1 to 40 of letters, digits and . _ -"),
    query("no_subject", _YES_NO | {"enum": ["true"]}, "only results that do not say whose sound it is"),
    query("file", PRINTABLE, "part of the name of the file that was uploaded, in any case"),
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
    page = services().history.reviewed_results(
        result_filter(), g.query["limit"], g.query["cursor"], g.query["sort"]
    )
    # Documents are JSON as published, with their reviews; parsing and writing them again would be slower.
    body = f'{{"items":[{",".join(page.documents)}],"next":{strict_json.write(page.next)}}}\n'
    response = Response(body, mimetype="application/json")
    if page.next:
        query_string = urlencode({**request.args.to_dict(), "cursor": page.next})
        response.headers["Link"] = f'<{request.path}?{query_string}>; rel="next"'
    return with_etag(response)


def result_filter() -> ResultFilter:
    """Return the filter in the query parameters `FILTERS`."""
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
        accepted=_is_yes(query["accepted"]),
        verdict=query["verdict"],
        severity=query["severity"],
        disagree=_is_yes(query["disagree"]),
        reviewed=query["reviewed"],
        corrected_to=query["corrected_to"],
        exam=query["exam"],
        file_name=query["file"],
        subject=query["subject"],
        no_subject=query["no_subject"] is not None,
    )


def _is_yes(value: str | None) -> bool | None:
    return None if value is None else value == "true"


@blueprint.get("/history")
def history() -> Response:
    """Answer the last predictions as a flat list, newest first."""
    predictions = services().history.predictions(g.query["limit"], g.query["device"])
    return jsonify([history_item(each) for each in predictions])


def history_item(prediction: PredictionEntry) -> dict[str, Any]:
    """Return a prediction as an item of `/history`, with the field names of the emotion system."""
    ranked = sorted(prediction.probabilities.items(), key=lambda item: item[1], reverse=True)
    emotion = {"predicted_emotion": prediction.label} if prediction.model == EMOTION_MODEL else {}
    return {
        "timestamp": prediction.captured_at,
        "filename": prediction.file_name or prediction.audio_file.rsplit("/", 1)[-1],
        "device_id": prediction.device_id,
        "recording_id": prediction.recording_id,
        "model": prediction.model,
        "label": prediction.label,
        **emotion,
        "confidence": round(prediction.confidence, 4),
        "accepted": prediction.accepted,
        "top_3_probabilities": {label: round(share, 4) for label, share in islice(ranked, 3)},
    }
