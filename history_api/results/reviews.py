"""Reviews of results by people over HTTP: confirmed, rejected or corrected, with a note.

Writes are conditional (`If-Match`), so that no client overwrites a review that it has not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.reviewing.review import Correction, Review
from edge_worker.database.reviewing.reviewed_answer import reviewed_answer
from edge_worker.protocol.meaning import Meaning
from history_api import lookup
from history_api.models import label_words, models
from history_api.openapi.conditional_request import ETAG
from history_api.openapi.operation import (
    NOT_FOUND,
    PROBLEM,
    RECORDING_PARAMETERS,
    Paths,
    get,
    json_answer,
    json_body,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import SEVERITY, TEXT, TIME, Schema, list_of, or_null, ref, strict_object
from history_api.services import services

_ANONYMOUS: Final = "anonymous"
_CHOICES: Final = 12
"""Labels of a model that a refusal names."""
_PRECONDITION: Final = (
    "send If-Match with the ETag of the review that you have seen, or If-None-Match: * for the first one"
)
_MATCH: Final[tuple[Schema, ...]] = tuple(
    {"name": name, "in": "header", "schema": TEXT, "description": what}
    for name, what in (
        ("If-Match", 'ETag of the review that is replaced: "0" where there is none, * for any'),
        ("If-None-Match", "*: there must be no review yet"),
    )
)
_REFUSED: Final[Schema] = {"412": PROBLEM, "428": PROBLEM}
_VERDICT: Final[Schema] = {"type": "string", "enum": ["confirmed", "rejected", "corrected"]}
_FINDING: Final[Schema] = {
    "type": ["string", "null"],
    "enum": ["normal", "abnormal", None],
    "description": "what the reviewer says that the heart is",
}
_SAID: Final = "what the machine said when it was reviewed; null: it could not tell"
_NOTE: Final[Schema] = {"type": "string", "maxLength": 1000, "pattern": r"^[^\x00]*$"}
_REVIEW: Final = strict_object(
    {
        "verdict": {"type": "string", "enum": [*_VERDICT["enum"], "withdrawn"]},
        "note": TEXT,
        "reviewer": TEXT,
        "reviewed_at": TIME,
        "version": {"type": "integer", "minimum": 1, "description": "the ETag, without its quotes"},
        "finding": _FINDING,
        **dict.fromkeys(
            ("model", "label"), or_null(TEXT) | {"description": "of a correction: what is right"}
        ),
        "severity": {"oneOf": [SEVERITY, {"type": "null"}]},
        **dict.fromkeys(("said_model", "said_version", "said_label"), or_null(TEXT) | {"description": _SAID}),
    }
)
SCHEMAS: Final[dict[str, Schema]] = {
    "Review": _REVIEW,
    "ReviewOrNull": {"oneOf": [ref("Review"), {"type": "null"}]},
    "NewReview": strict_object(
        {"verdict": _VERDICT, "note": _NOTE, "finding": _FINDING, "model": TEXT, "label": TEXT},
        optional=("note", "finding", "model", "label"),
    ),
}
_ADDRESS: Final = "/api/v1/recordings/{recording_id}/review"
_ANSWER: Final = {"200": json_answer(ref("ReviewOrNull"), "The review, or null.", ETAG)}
blueprint = Blueprint("reviews", __name__, url_prefix="/api/v1/recordings/<recording_id>/review")
PATHS: Final[Paths] = {
    _ADDRESS: {
        "get": operation(
            "the review of a result, or null", "review", _ANSWER | NOT_FOUND, RECORDING_PARAMETERS
        ),
        "put": operation(
            "confirm or reject a result, or correct it to another label",
            "put_review",
            _ANSWER | NOT_FOUND | _REFUSED,
            RECORDING_PARAMETERS + _MATCH,
            json_body(ref("NewReview")),
        ),
        "delete": operation(
            "take a review back",
            "delete_review",
            {"204": {"description": "There is no review any more."}} | NOT_FOUND | _REFUSED,
            RECORDING_PARAMETERS + _MATCH,
        ),
    },
    f"{_ADDRESS}/history": get(
        "all reviews that a result ever had, oldest first",
        "review_history",
        {"200": json_answer(list_of(ref("Review")))} | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
}


@blueprint.get("")
def review(recording_id: str) -> Response:
    """Answer the review, null while there is none."""
    return _answer(_review(lookup.recording(recording_id)))


@blueprint.get("/history")
def history(recording_id: str) -> Response:
    """Answer all reviews that the recording ever had, oldest first."""
    entry = lookup.recording(recording_id)
    return jsonify([document(each) for each in services().history.review_changes(*_key(entry))])


@blueprint.put("")
def put(recording_id: str) -> Response:
    """Confirm, reject or correct the result."""
    entry = lookup.recording(recording_id)
    if entry.document is None:
        raise ProblemError(
            409, "the recording is still being analysed; review its result later", {"Retry-After": "5"}
        )
    correction = _correction(entry)
    is_saved = services().reviews.save(
        entry.device_id,
        entry.recording_id,
        verdict=g.body["verdict"],
        note=g.body.get("note", ""),
        finding=g.body.get("finding"),
        correction=correction,
        said=reviewed_answer(
            lookup.result(entry) or {},
            getattr(correction, "model", None),
            getattr(correction, "severity", None),
        ),
        reviewer=_reviewer(),
        expected=_expected(entry),
    )
    if not is_saved:
        raise _stale(_review(entry))
    return _answer(_review(entry))


@blueprint.delete("")
def withdraw(recording_id: str) -> Response:
    """Take the review back."""
    entry = lookup.recording(recording_id)
    expected = _expected(entry)
    if expected and not services().reviews.withdraw(*_key(entry), expected, _reviewer()):
        raise _stale(_review(entry))
    return Response(status=204)


def document(review: Review | None) -> dict[str, Any] | None:
    """Return a review as a JSON object."""
    return None if review is None else asdict(review)


def _expected(entry: RecordingEntry) -> int:
    """Return the version that the client has seen, 0 for none; 412 if outdated, 428 if it is missing."""
    if "If-Match" not in request.headers and "If-None-Match" not in request.headers:
        raise ProblemError(428, f"a review can only be changed by a client that has seen it; {_PRECONDITION}")
    current = _review(entry)
    is_current = request.if_match.contains(_tag(current)) if "If-Match" in request.headers else True
    if "If-None-Match" in request.headers:
        is_current = is_current and current is None and request.if_none_match.star_tag
    if not is_current:
        raise _stale(current)
    return 0 if current is None else current.version


def _stale(current: Review | None) -> ProblemError:
    return ProblemError(
        412,
        "the review is not the one that the request expects; look at `review`, then " + _PRECONDITION,
        {"ETag": f'"{_tag(current)}"'},
        review=document(current),
    )


def _answer(review: Review | None) -> Response:
    response = jsonify(document(review))
    response.set_etag(_tag(review))
    return response


def _tag(review: Review | None) -> str:
    return "0" if review is None else str(review.version)


def _review(entry: RecordingEntry) -> Review | None:
    return services().history.review(*_key(entry))


def _key(entry: RecordingEntry) -> tuple[str, str]:
    return entry.device_id, entry.recording_id


def _correction(entry: RecordingEntry) -> Correction | None:
    """Return the correction in the body, None where it is none; raise ProblemError (400)."""
    label, model = g.body.get("label"), g.body.get("model")
    if g.body["verdict"] != "corrected":
        if label is None and model is None:
            return None
        raise ProblemError(400, "only a corrected result has a label; leave out label and model", pointer="/")
    verdict = (lookup.result(entry) or {})["verdict"]
    meanings = label_words.of_request().meanings
    predictions = (lookup.result(entry) or {})["models"]
    heard = [each["model"] for each in predictions]
    hearts = {each["model"] for each in predictions if each["hears"] == "heart"}
    hearts |= {
        name
        for name, card in models.cards(services().settings).items()
        if card.get("hears", "heart") == "heart"
    }
    # The model that was asked decides what a label means that several have.
    asked = [model] if model else [verdict["model"], *heard, *meanings]
    found = next((each for each in asked if label in meanings.get(each, {})), None)
    if found is None:
        raise ProblemError(400, _no_such_label(label, model, heard, meanings), pointer="/label")
    if (found, label) == (verdict["model"], verdict["label"]):
        raise ProblemError(400, f"{label} is what the result says; confirm it", pointer="/label")
    # A voice or a dog says nothing about a heart, neither in an exam nor in a calibration.
    heart = found in hearts
    return Correction(found, label, meanings[found][label].severity if heart else "unknown")


def _no_such_label(
    label: str | None, model: str | None, heard: Sequence[str], meanings: Mapping[str, Mapping[str, Meaning]]
) -> str:
    if model is not None and model not in meanings:
        return f"there is no model {model!r}; choose of {', '.join(meanings)}"
    choices = "; ".join(
        f"{each}: {', '.join(list(meanings[each])[:_CHOICES])}"
        for each in ([model] if model else heard)
        if each in meanings
    )
    asked = "label is missing" if label is None else f"no model has the label {label!r}"
    return f"{asked}; choose the right one, such as {choices}"


def _reviewer() -> str:
    """Return the name of the client, as access control knows it."""
    return str(getattr(getattr(g, "principal", None), "name", None) or _ANONYMOUS)
