"""One subject over HTTP: what is stored of it, in numbers, and the deletion of all of it."""

import contextlib
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.database.deletion import Deleted
from edge_worker.database.subjects.subject_table import SubjectSummary
from edge_worker.errors import StoreError
from edge_worker.protocol import topics
from edge_worker.telemetry.logfmt import line
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, get, json_answer, operation
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import (
    COUNT,
    DEVICE,
    SUBJECT,
    TEXT,
    TIME,
    Schema,
    list_of,
    or_null,
    ref,
    strict_object,
)
from history_api.pictures.picture_cache import PictureCache
from history_api.results import recordings
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
SUBJECT_PARAMETERS: Final = ({"name": "subject", "in": "path", "required": True, "schema": SUBJECT},)
_NUMBERS: Final[dict[str, Schema]] = {
    "subject": SUBJECT,
    "recordings": COUNT,
    "audio_bytes": COUNT,
    "reviews": COUNT,
    "exams": COUNT,
    "clips": COUNT | {"description": "for training: recordings, and uploads whose source is this subject"},
}
blueprint = Blueprint("subjects", __name__, url_prefix="/api/v1/subjects/<subject>")
PATHS: Final[Paths] = {
    "/api/v1/subjects/{subject}": get(
        "what is stored of a subject, in numbers",
        "subject",
        {"200": json_answer(ref("Subject")), "404": PROBLEM} | UNAVAILABLE,
        SUBJECT_PARAMETERS,
        role="operator",
    )
    | {
        "delete": operation(
            "delete everything that is stored of a subject, permanently",
            "delete_subject",
            {"200": json_answer(ref("SubjectDeletion")), "404": PROBLEM, "409": PROBLEM} | UNAVAILABLE,
            SUBJECT_PARAMETERS,
            role="admin",
        )
    },
}
SCHEMAS: Final[dict[str, Schema]] = {
    "Subject": strict_object(
        {
            **_NUMBERS,
            "analysing": COUNT,
            "devices": list_of(DEVICE),
            "first_received_at": or_null(TIME),
            "last_received_at": or_null(TIME),
            "links": strict_object({"self": TEXT, "results": TEXT, "export": TEXT}),
        }
    ),
    "SubjectDeletion": strict_object(_NUMBERS),
}


@blueprint.get("")
def subject(subject: str) -> Response:
    """Answer what is stored of a subject."""
    return jsonify(document(require(subject)))


@blueprint.delete("")
def delete(subject: str) -> Response:
    """Delete all of a subject, and answer what there was; again it answers zeros.

    A crash in between leaves what a second call finds: files go before the rows that name them, or are found
    by tombstones.
    """
    if re.fullmatch(SUBJECT["pattern"], subject) is None:
        raise _nothing()
    known = services().subjects.summary(subject)
    deletion = services().deletion
    devices = _clear_retained(subject, known)
    clips = _delete_clips(subject)
    deleted = _all(lambda: deletion.delete_of_exams_of_subject(subject))
    left = services().subjects.summary(subject)
    if left is None or not left.analysing:
        own = _all(lambda: deletion.delete_of_subject(subject))
        deleted = Deleted(deleted.recordings + own.recordings, deleted.bytes + own.bytes)
        left = services().subjects.summary(subject)
    PictureCache.from_settings(services().settings).clear()
    deletion.remove_leftovers()
    services().subject_assignments.forget(subject)
    _publish_last_sounds(devices)
    facts = {"recordings": deleted.recordings, "bytes": deleted.bytes, "clips": clips}
    _LOG.info(line("subject_deleted", subject=subject, by=g.principal.name, **facts))
    if left is not None:
        raise ProblemError(
            409,
            f"{left.analysing} recordings of this subject are still being analysed, so not all is deleted; "
            "delete again for the rest",
            {"Retry-After": "5"},
        )
    reviews, exams = (known.reviews, len(known.exams)) if known else (0, 0)
    numbers = {"recordings": deleted.recordings, "audio_bytes": deleted.bytes, "reviews": reviews}
    return jsonify({"subject": subject, **numbers, "exams": exams, "clips": clips})


def require(subject: str) -> SubjectSummary:
    """Return what is stored of a subject, in numbers; raise ProblemError (404) where nothing is."""
    summary = services().subjects.summary(subject)
    if summary is None:
        raise _nothing()
    return summary


def _nothing() -> ProblemError:
    return ProblemError(404, "nothing is stored of this subject; results have theirs in `subject`")


def document(summary: SubjectSummary) -> dict[str, Any]:
    """Return the document `Subject`."""
    address = f"/api/v1/subjects/{summary.subject}"
    names = ("subject", "recordings", "analysing", "audio_bytes", "reviews", "clips", "devices")
    times = ("first_received_at", "last_received_at")
    return {name: getattr(summary, name) for name in (*names, *times)} | {
        "exams": len(summary.exams),
        "links": {
            "self": address,
            "results": f"/api/v1/results?subject={summary.subject}",
            "export": f"{address}/export",
        },
    }


def _all(delete: Callable[[], Deleted]) -> Deleted:
    """Delete batch by batch until nothing is left to delete; return what was deleted."""
    count = size = 0
    while (batch := delete()).recordings:
        count, size = count + batch.recordings, size + batch.bytes
    return Deleted(count, size)


def _delete_clips(subject: str) -> int:
    """Delete the clips for training, the files first: without rows nobody would find them."""
    data_dir = services().settings.data_dir.resolve()
    for name in services().subjects.clip_files(subject):
        path = data_dir / name
        if path.parent.resolve().is_relative_to(data_dir / "training"):  # whatever the database says
            try:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
            except OSError as error:
                raise StoreError(f"{name} cannot be removed ({error}); mend that and delete again") from error
    return services().subjects.forget_clips(subject)


def _clear_retained(subject: str, known: SubjectSummary | None) -> tuple[str, ...]:
    """Remove what the broker keeps of the subject for displays; return the devices with such messages.

    Before the rows go: they say which devices these are. What other subjects leave is published afterwards.
    """
    session = services().mqtt_session
    if session is None or known is None:
        return ()
    for device_id in known.devices:
        (newest,) = services().history.latest_recordings(device_id, 1) or (None,)
        if newest is not None and (
            newest.meta.get("subject") == subject or (device_id, newest.exam) in known.exams
        ):
            session.publish_retained(topics.device_result(device_id), b"")
        session.publish_retained(topics.sounds(device_id), b"")
    return known.devices


def _publish_last_sounds(devices: Iterable[str]) -> None:
    session = services().mqtt_session
    if session is not None:
        for device_id in devices:
            recordings.publish_last_sounds(session, device_id)
