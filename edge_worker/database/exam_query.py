"""Queries of exams: the recordings of one exam, pages of all exams, and the messages that publish some."""

import json
import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, exists, func, select

from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import recordings
from edge_worker.protocol import topics
from edge_worker.protocol.exam import MAX_RECORDINGS, Exam
from edge_worker.protocol.exam_position import ExamRecording
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import Result
from edge_worker.protocol.timestamp import possible_capture
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)

_Key = tuple[str, str]
"""Device and exam."""
_NUMBER: Final = func.row_number().over(
    partition_by=(recordings.c.exam, recordings.c.device_id), order_by=recordings.c.id.desc()
)
_NUMBERED: Final = (
    select(recordings.c.id, _NUMBER.label("number"))
    .where(
        recordings.c.exam.in_(bindparam("exams", expanding=True)),
        recordings.c.device_id.in_(bindparam("devices", expanding=True)),
    )
    .subquery("numbered")
)
"""Of one index alone, numbered within each exam, the last first."""
_RECORDINGS: Final = (
    select(
        recordings.c.device_id,
        recordings.c.exam,
        recordings.c.recording_id,
        recordings.c.captured_at,
        recordings.c.received_at,
        recordings.c.meta,
        recordings.c.document,
        reviews.c.verdict,
        reviews.c.severity,
    )
    .join_from(_NUMBERED, recordings, recordings.c.id == _NUMBERED.c.id)
    .join(reviews, reviews.c.recording == recordings.c.id, isouter=True)
    .where(_NUMBERED.c.number <= MAX_RECORDINGS)
    .order_by(recordings.c.id)
)


class ExamPage(NamedTuple):
    """One page of exams, the one begun last first."""

    exams: list[Exam]
    next: int | None
    """Where the page after this one begins; None on the last."""


def exam(connection: Connection, device_id: str, exam_id: str) -> Exam:
    """Return an exam; one without recordings has empty positions."""
    return exams(connection, [(device_id, exam_id)])[0]


def exams(connection: Connection, keys: Sequence[_Key]) -> list[Exam]:
    """Return exams in the order of their `keys`, with one query for all."""
    found: dict[_Key, list[ExamRecording]] = {key: [] for key in keys}
    named = {"devices": sorted({key[0] for key in keys}), "exams": sorted({key[1] for key in keys})}
    for device, name, *row in connection.execute(_RECORDINGS, named) if keys else ():
        if (device, name) in found:  # another device may have an exam of the same id
            found[device, name].append(_exam_recording(*row))
    return [Exam.of(*key, rows) for key, rows in found.items()]


def devices(connection: Connection, exam_id: str, device_id: str | None = None) -> list[str]:
    """Return the devices that made recordings under this id, or only `device_id` if it did."""
    query = select(recordings.c.device_id).where(recordings.c.exam == exam_id).distinct()
    if device_id is not None:
        query = query.where(recordings.c.device_id == device_id)
    return list(connection.execute(query.order_by(recordings.c.device_id)).scalars())


def read_page(
    connection: Connection,
    limit: int,
    device_id: str | None = None,
    after: int | None = None,
    subject: str | None = None,
) -> ExamPage:
    """Return up to `limit` exams, those with a recording of `subject`, ordered by their first recording.

    The first recording does not change while others join, so a client that reads all pages gets each exam
    once.
    """
    earlier = recordings.alias()
    is_earlier = [earlier.c[name] == recordings.c[name] for name in ("exam", "device_id")]
    is_earlier.append(earlier.c.id < recordings.c.id)
    query = select(recordings.c.id, recordings.c.exam, recordings.c.device_id)
    query = query.where(recordings.c.exam.is_not(None))
    if device_id is not None:
        query = query.where(recordings.c.device_id == device_id)
    if subject is not None:
        query = query.where(recordings.c.subject == subject)
        is_earlier.append(earlier.c.subject == subject)
    if after is not None:
        query = query.where(recordings.c.id < after)
    # Not grouped: all exams would be read for a page of them.
    query = query.where(~exists().where(*is_earlier)).order_by(recordings.c.id.desc())
    rows = connection.execute(query.limit(limit + 1)).all()
    shown = rows[:limit]
    page = exams(connection, [(row.device_id, row.exam) for row in shown])
    return ExamPage(page, shown[-1].id if len(rows) > limit else None)


def _exam_recording(  # noqa: PLR0917 - the columns of a row
    recording_id: str,
    captured_at: str,
    received_at: str,
    meta: dict[str, Any],
    document: str | None,
    verdict: str | None,
    severity: Severity | None,
) -> ExamRecording:
    site, subject = meta.get("site"), meta.get("subject")
    result = None if document is None else json.loads(document)
    position = None if site is None else str(site)
    heard_at = possible_capture(captured_at, received_at)
    return ExamRecording(
        recording_id, heard_at, position, result, verdict, subject, corrected_severity=severity
    )


def messages(connection: Connection, results: Sequence[Result]) -> list[OutboxMessage]:
    """Return the messages that publish the exams which results belong to.

    One that cannot be computed is logged and left out: another recording of it, such as one with a result
    of an earlier version, must not cost this recording its result.
    """
    found = []
    for key in dict.fromkeys((each.device_id, each.exam) for each in results if each.exam is not None):
        try:
            payload = exam(connection, *key).to_message()
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            _LOG.exception(line("failed", device=key[0], exam=key[1]))
        else:
            found.append(OutboxMessage(topics.exam(*key), payload, retain=False))
    return found
