"""Reviews of results by people over HTTP: confirmed or rejected, with a note.

Writes are conditional (`If-Match`), so that no client overwrites a review that it has not seen.
"""

from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.review import Review
from history_api import lookup
from history_api.openapi.conditional_request import ETAG
from history_api.openapi.operation import (
    NOT_FOUND,
    PROBLEM,
    RECORDING_PARAMETERS,
    Paths,
    json_answer,
    json_body,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema, ref
from history_api.services import services

_ANONYMOUS: Final = "anonymous"
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
_ADDRESS: Final = "/api/v1/recordings/{recording_id}/review"
_ANSWER: Final = {"200": json_answer(ref("ReviewOrNull"), "The review, or null.", ETAG)}
blueprint = Blueprint("reviews", __name__, url_prefix="/api/v1/recordings/<recording_id>/review")
PATHS: Final[Paths] = {
    _ADDRESS: {
        "get": operation(
            "the review of a result, or null", "review", _ANSWER | NOT_FOUND, RECORDING_PARAMETERS
        ),
        "put": operation(
            "confirm or reject a result",
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
}


@blueprint.get("")
def review(recording_id: str) -> Response:
    """Answer the review, null while there is none."""
    return _answer(_review(lookup.recording(recording_id)))


@blueprint.put("")
def put(recording_id: str) -> Response:
    """Confirm or reject the result."""
    entry = lookup.recording(recording_id)
    if entry.document is None:
        raise ProblemError(
            409, "the recording is still being analysed; review its result later", {"Retry-After": "5"}
        )
    is_saved = services().reviews.save(
        entry.device_id,
        entry.recording_id,
        verdict=g.body["verdict"],
        note=g.body.get("note", ""),
        finding=g.body.get("finding"),
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
    key = (entry.device_id, entry.recording_id)
    if expected and not services().reviews.withdraw(*key, expected):
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
    return services().history.review(entry.device_id, entry.recording_id)


def _reviewer() -> str:
    """Return the name of the client, as access control knows it."""
    return str(getattr(getattr(g, "principal", None), "name", None) or _ANONYMOUS)
