"""Filter of results, and its conditions as a query needs them."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, exists, func, select

from edge_worker.database.paging import few_recordings
from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import predictions, recordings
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import Status


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Conditions on results; None lets everything through.

    `model`, `label` and `accepted` are compared with the same prediction: that model gave that label.
    """

    device: str | None = None
    label: str | None = None
    model: str | None = None
    status: Status | None = None
    since: str | None = None
    """Earliest `captured_at`: RFC 3339 in UTC with milliseconds and `Z`, as in the database."""
    until: str | None = None
    """First `captured_at` that is too late, same form."""
    accepted: bool | None = None
    reviewed: Literal["confirmed", "rejected", "corrected", "none"] | None = None
    corrected_to: str | None = None
    """Label to which a reviewer corrected the result."""
    exam: str | None = None
    verdict: str | None = None
    """Label of the verdict."""
    severity: Severity | None = None
    file_name: str | None = None
    """Part of the name of the file that was uploaded, in any case."""
    subject: str | None = None
    no_subject: bool = False
    disagree: bool | None = None
    """Whether models contradict each other."""


def base_query(filters: ResultFilter, device_id: ColumnElement[str] = recordings.c.device_id) -> Select[Any]:
    """Return the part of the query that both orders have in common."""
    row = recordings.c
    query = select(row.id, row.captured_at, row.document).where(row.document.is_not(None))
    if filters.device is not None:
        query = query.where(device_id == filters.device)
    same = ((row.exam, filters.exam), (row.subject, filters.subject))
    query = query.where(*(column == value for column, value in same if value is not None))
    if filters.no_subject:
        query = query.where(recordings.c.subject.is_(None))
    if filters.file_name is not None:
        query = query.where(*few_recordings.file_name_conditions(filters.file_name))
    if filters.reviewed == "none":
        query = query.where(~exists().where(reviews.c.recording == recordings.c.id))
    elif filters.reviewed is not None:
        # Reviews are written by hand: there are few, so begin there.
        reviewed = select(reviews.c.recording).where(reviews.c.verdict == filters.reviewed)
        query = query.where(recordings.c.id.in_(reviewed))
    if filters.corrected_to is not None:
        corrected = select(reviews.c.recording).where(reviews.c.label == filters.corrected_to)
        query = query.where(recordings.c.id.in_(corrected))
    return query


def outcomes(filters: ResultFilter) -> list[tuple[ColumnElement[Any], str | bool]]:
    """Return the columns of status and verdict, each with the value that it must have."""
    pairs = (
        (recordings.c.status, filters.status),
        (recordings.c.verdict, filters.verdict),
        (recordings.c.severity, filters.severity),
        (recordings.c.disagree, filters.disagree),
    )
    return [(column, value) for column, value in pairs if value is not None]


def hidden_outcomes(filters: ResultFilter) -> list[tuple[ColumnElement[Any], str | bool]]:
    """Return the same as no index has it: of a million rows, one index would have many sorted for a page."""
    return [(func.coalesce(column, type(value)()), value) for column, value in outcomes(filters)]


def has_prediction(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return whether a prediction of the recording meets all `conditions`."""
    return exists().where(predictions.c.recording == recordings.c.id, *conditions)


def is_repeated(filters: ResultFilter) -> ColumnElement[bool]:
    """Return whether another prediction of the recording, a later one, has the same label.

    Not DISTINCT: PostgreSQL would sort all results for a page of them.
    """
    later = predictions.alias()
    is_alike = [later.c.label == filters.label]
    if filters.accepted is not None:
        is_alike.append(later.c.accepted == filters.accepted)
    is_later = (later.c.recording == predictions.c.recording, later.c.id > predictions.c.id)
    return exists().where(*is_later, *is_alike)


def prediction_conditions(filters: ResultFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on one prediction."""
    pairs = (
        (predictions.c.model, filters.model),
        (predictions.c.label, filters.label),
        (predictions.c.accepted, filters.accepted),
    )
    return [column == value for column, value in pairs if value is not None]


def time_conditions(
    filters: ResultFilter, captured_at: ColumnElement[str] = recordings.c.captured_at
) -> list[ColumnElement[bool]]:
    """Return the conditions on the time of capture."""
    conditions = []
    if filters.since is not None:
        conditions.append(captured_at >= filters.since)
    if filters.until is not None:
        conditions.append(captured_at < filters.until)
    return conditions


def hidden(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return a text column as no index has it: SQLite would walk that index instead of a better one."""
    return column.concat("")
