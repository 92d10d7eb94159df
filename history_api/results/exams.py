"""Exams over HTTP: each combines the recordings of one chest at four positions, computed on request."""

from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from edge_worker.protocol.exam_position import POSITION_REASONS, POSITIONS
from history_api import lookup
from history_api.openapi.conditional_request import ETAG, UNCHANGED, with_etag
from history_api.openapi.operation import (
    EXAM_PARAMETERS,
    NEXT,
    NOT_FOUND,
    UNAVAILABLE,
    Paths,
    get,
    json_answer,
    limit,
    query,
)
from history_api.openapi.schemas import (
    COUNT,
    DEVICE,
    EXAM,
    NUMBER,
    RECORDING,
    SEVERITY,
    SHARE,
    SUBJECT,
    TEXT,
    TIME,
    Schema,
    list_of,
    open_object,
    or_null,
    ref,
    strict_object,
)
from history_api.services import services

LABELS: Final = ("normal", "abnormal", "inconclusive")
CURSOR: Final[Schema] = {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}
blueprint = Blueprint("exams", __name__, url_prefix="/api/v1/exams")
PATHS: Final[Paths] = {
    "/api/v1/exams": get(
        "exams, newest first",
        "exams",
        {"200": json_answer(ref("ExamPage"), headers=NEXT | ETAG)} | UNCHANGED | UNAVAILABLE,
        (
            query("device", DEVICE, "a device, 1 to 32 of a-z, 0-9 and -"),
            query("subject", SUBJECT, "a pseudonym, 1 to 40 of letters, digits and . _ -"),
            query("cursor", CURSOR, "`next` of the page before"),
            limit(50),
        ),
    ),
    "/api/v1/exams/{exam_id}": get(
        "an exam: the label and the positions of its recordings together",
        "exam",
        {"200": json_answer(ref("Exam"), headers=ETAG)} | UNCHANGED | NOT_FOUND,
        EXAM_PARAMETERS,
    ),
}
_MODEL: Final = open_object(
    {
        **{"model": TEXT, "label": TEXT, "confidence": SHARE, "accepted": {"type": "boolean"}},
        **{"severity": SEVERITY, "hears": TEXT},
    },
)
_EVIDENCE: Final = or_null(NUMBER) | {
    "description": "log odds of abnormal against normal: above 0 it speaks for abnormal, below for normal"
}
_PROBABILITY: Final = or_null(SHARE) | {"description": "of abnormal, from the evidence of all positions"}
_CONFIDENCE: Final = or_null(SHARE) | {"description": "of the label; null when it is inconclusive"}
_CARRIED_BY: Final = or_null(
    open_object({"site": or_null(TEXT), "name": or_null(TEXT), "recording_id": or_null(TEXT)})
) | {"description": "the one position without which it would not be abnormal; null: there is none"}
_POSITION: Final = open_object(
    {
        "site": or_null(TEXT),
        "name": {"type": ["string", "null"], "enum": [*POSITIONS.values(), None]},
        "label": {"type": ["string", "null"], "enum": ["normal", "abnormal", None]},
        "severity": SEVERITY,
        "confidence": or_null(SHARE) | {"description": "of the label"},
        "disagree": list_of(TEXT) | {"description": "models that contradict each other"},
        "evidence": _EVIDENCE,
        "reason": {"type": ["string", "null"], "enum": [*POSITION_REASONS, None]},
        "hint": or_null(TEXT),
        "recordings": COUNT,
        "recording_id": {"oneOf": [RECORDING, {"type": "null"}]},
        "captured_at": or_null(TIME),
        "heart_rate_bpm": or_null(NUMBER),
        "models": list_of(_MODEL),
        "review": {"type": ["string", "null"], "enum": ["confirmed", "corrected", None]},
        "links": {"type": "object", "additionalProperties": TEXT},
    }
)
_EXAM: Final = open_object(
    {
        "v": {"type": "integer", "const": 1},
        "exam": EXAM,
        "device_id": DEVICE,
        "subject": SUBJECT | {"description": "whose exam it is; absent where no recording says"},
        "label": {"type": "string", "enum": list(LABELS)},
        "severity": SEVERITY,
        "confidence": _CONFIDENCE,
        "carried_by": _CARRIED_BY,
        "probability": _PROBABILITY,
        "missing": list_of({"type": "string", "enum": list(POSITIONS)}),
        "heart_rate_bpm": or_null(NUMBER),
        "recordings": COUNT,
        "of_other_subjects": COUNT | {"description": "recordings that do not count, because of that"},
        "analysing": COUNT,
        "first_captured_at": or_null(TIME),
        "last_captured_at": or_null(TIME),
        "positions": list_of(ref("ExamPosition")) | {"minItems": len(POSITIONS)},
        "links": {"type": "object", "additionalProperties": TEXT},
    },
    optional=("subject", "of_other_subjects"),
)
SCHEMAS: Final[dict[str, Schema]] = {
    "Exam": {"description": "As published; docs/protocol.md § Exam is normative."} | _EXAM,
    "ExamPosition": {"description": "One position on the chest."} | _POSITION,
    "ExamPage": strict_object({"items": list_of(ref("Exam")), "next": or_null(TEXT)}),
}


@blueprint.get("")
def exams() -> Response:
    """Answer a page of exams, newest first."""
    after = None if g.query["cursor"] is None else int(g.query["cursor"])
    page = services().history.exams(g.query["limit"], g.query["device"], after, g.query["subject"])
    cursor = None if page.next is None else str(page.next)
    body: dict[str, Any] = {"items": [each.document() for each in page.exams], "next": cursor}
    response = jsonify(body)
    if cursor:
        query_string = urlencode({**request.args.to_dict(), "cursor": cursor})
        response.headers["Link"] = f'<{request.path}?{query_string}>; rel="next"'
    return with_etag(response)


@blueprint.get("/<exam_id>")
def exam(exam_id: str) -> Response:
    """Answer one exam."""
    return with_etag(jsonify(lookup.exam(exam_id).document()))
