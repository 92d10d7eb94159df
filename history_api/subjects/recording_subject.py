"""Endpoint of whose sound a stored recording is, said by a person afterwards."""

import logging
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.protocol.meta import SUBJECT_RULE, subject_refusal
from edge_worker.telemetry.logfmt import line
from history_api import lookup
from history_api.openapi.operation import (
    NOT_FOUND,
    RECORDING_PARAMETERS,
    Paths,
    json_answer,
    json_body,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema, or_null, ref, strict_object
from history_api.results import recordings
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
SCHEMAS: Final[dict[str, Schema]] = {
    "NewSubject": strict_object(
        {"subject": or_null(TEXT) | {"description": f"{SUBJECT_RULE}; null: of nobody"}}
    ),
}
blueprint = Blueprint("recording_subject", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/subject": {
        "put": operation(
            "say whose sound a recording is, or that nobody knows",
            "put_recording_subject",
            {"200": json_answer(ref("Recording"))} | NOT_FOUND,
            RECORDING_PARAMETERS,
            json_body(ref("NewSubject")),
        )
    }
}


@blueprint.put("/api/v1/recordings/<recording_id>/subject")
def put(recording_id: str) -> Response:
    """Say whose sound a recording is; its result, its exam and exports follow."""
    entry = lookup.recording(recording_id)
    sent: str | None = g.body["subject"]
    subject = None if sent is None else require_pseudonym(sent)
    if not services().subjects.set_subject(entry.device_id, entry.recording_id, subject):
        raise ProblemError(
            409, "the recording is still being analysed; say later whose it is", {"Retry-After": "5"}
        )
    facts: dict[str, Any] = {"device": entry.device_id, "recording": entry.recording_id}
    _LOG.info(line("subject_set", **facts, subject=subject, by=g.principal.name))
    return jsonify(recordings.document(lookup.recording(recording_id)))


def require_pseudonym(text: str) -> str:
    """Return `text`; raise ProblemError (400) with a sentence where it is no pseudonym."""
    reason = subject_refusal(text)
    if reason is not None:
        raise ProblemError(400, f"subject: {reason}", pointer="/subject")
    return text
