"""Endpoint of whose the next recordings of a device are: said by an operator, for a limited time."""

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.database.subjects.subject_assignments import SubjectAssignment
from edge_worker.protocol.meta import SUBJECT_RULE
from edge_worker.telemetry.logfmt import line
from history_api.openapi.operation import (
    DEVICE_PARAMETERS,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    json_answer,
    json_body,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, SUBJECT, TEXT, TIME, Schema, or_null, ref, strict_object
from history_api.services import services
from history_api.settings import VIRTUAL_DEVICE
from history_api.subjects.recording_subject import require_pseudonym

_LOG: Final = logging.getLogger(__name__)
MINUTES: Final = 60
_MOST_MINUTES: Final = 720
_ADDRESS: Final = "/api/v1/devices/{device_id}/subject"
_REFUSED: Final[Schema] = {"404": PROBLEM} | UNAVAILABLE
SCHEMAS: Final[dict[str, Schema]] = {
    "NewSubjectAssignment": strict_object(
        {
            "subject": TEXT | {"description": SUBJECT_RULE},
            "minutes": {
                "type": "integer",
                "minimum": 1,
                "maximum": _MOST_MINUTES,
                "description": f"after which it ends by itself; default {MINUTES}",
            },
        },
        optional=("minutes",),
    ),
    "SubjectAssignment": strict_object(
        {
            "device_id": DEVICE,
            "subject": {"oneOf": [SUBJECT, {"type": "null"}]},
            **dict.fromkeys(("begins_at", "ends_at"), or_null(TIME)),
            "assigned_by": or_null(TEXT),
        }
    ),
}
blueprint = Blueprint("assigned_subject", __name__, url_prefix="/api/v1/devices/<device_id>/subject")
PATHS: Final[Paths] = {
    _ADDRESS: {
        "get": operation(
            "whose the next recordings of a device are",
            "assigned_subject",
            {"200": json_answer(ref("SubjectAssignment"))} | _REFUSED,
            DEVICE_PARAMETERS,
        ),
        "put": operation(
            "say whose the next recordings of a device are, for a limited time",
            "assign_subject",
            {"200": json_answer(ref("SubjectAssignment")), "409": PROBLEM} | _REFUSED,
            DEVICE_PARAMETERS,
            json_body(ref("NewSubjectAssignment")),
        ),
        "delete": operation(
            "end that: the next recordings are of nobody",
            "end_assigned_subject",
            {"204": {"description": "Ended, now or before."}} | _REFUSED,
            DEVICE_PARAMETERS,
        ),
    }
}


@blueprint.get("")
def assigned(device_id: str) -> Response:
    """Answer whose the next recordings of a device are."""
    return jsonify(document(device_id))


@blueprint.put("")
def assign(device_id: str) -> Response:
    """Say whose the next recordings of a device are."""
    if device_id == VIRTUAL_DEVICE:
        raise ProblemError(409, "uploads are of everybody at the same time: name the subject in the upload")
    subject = require_pseudonym(g.body["subject"])
    length = timedelta(minutes=g.body.get("minutes", MINUTES))
    made = services().subject_assignments.begin(device_id, subject, length, g.principal.name)
    _LOG.info(
        line("subject_assigned", device=device_id, subject=subject, until=made.ends_at, by=made.assigned_by)
    )
    return jsonify(asdict(made))


@blueprint.delete("")
def end(device_id: str) -> Response:
    """End the assignment of a device."""
    services().subject_assignments.end(device_id)
    _LOG.info(line("subject_assignment_ended", device=device_id, by=g.principal.name))
    return Response(status=204)


def document(device_id: str) -> dict[str, Any]:
    """Return the document `SubjectAssignment` of a device; all but the device is null where there is none."""
    current = services().subject_assignments.current(device_id)
    if current is None:
        return dict.fromkeys(SubjectAssignment.__dataclass_fields__) | {"device_id": device_id}
    return asdict(current)
