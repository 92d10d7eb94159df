"""Query of pages of results: filters, order, and keyset pagination.

Pages are cut by key, not by offset: the thousandth page costs what the first costs, and rows that are
inserted between two requests move nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    exists,
    func,
    select,
)

from edge_worker.database.page_cursor import PageCursor, Sort
from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import predictions, recordings
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import Status

LAST_ID: Final = bindparam("last_id", type_=Integer)
LAST_CAPTURED_AT: Final = bindparam("last_captured_at", type_=String)
_LIMIT: Final = bindparam("page_limit", type_=Integer)


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
    disagree: bool | None = None
    """Whether models contradict each other."""


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of results in the order that was asked for."""

    documents: list[str]
    """JSON texts, exactly as published."""
    next: str | None
    """Cursor of the page after this one; None on the last."""
    rows: list[int]
    """Ids of the rows of the recordings, as the documents."""


def read_page(
    connection: Connection, filters: ResultFilter, sort: Sort, cursor: str | None, limit: int
) -> ResultPage:
    """Return up to `limit` results that pass `filters`, from `cursor` on.

    Raises:
        CursorError: `cursor` is not one of ours, or of another order.
    """
    parameters: dict[str, Any] = {}
    if cursor is not None:
        after = PageCursor.decode(cursor, sort)
        parameters = {LAST_ID.key: after.id, LAST_CAPTURED_AT.key: after.captured_at}
    rows: list[Row[Any]] = []
    for statement in _statements(filters, sort, cursor is None, connection.dialect):
        if len(rows) <= limit:
            rows += statement.execute(connection, parameters | {_LIMIT.key: limit + 1 - len(rows)})
    shown = rows[:limit]
    is_last = len(rows) <= limit
    following = None if is_last else PageCursor(sort, shown[-1].id, shown[-1].captured_at).encode()
    return ResultPage([row.document for row in shown], following, [row.id for row in shown])


class _Statement(NamedTuple):
    """Compiled SQL of one query.

    Compiled once, because SQLAlchemy would compile it anew for each page: a third of the time of a page.
    """

    sql: str
    constants: dict[str, Any]
    """Parameters that are the same for all pages."""
    order: list[str] | None
    """Names of the parameters by position; None where the database takes them by name."""

    def execute(self, connection: Connection, parameters: dict[str, Any]) -> list[Row[Any]]:
        named = self.constants | parameters
        bound = named if self.order is None else tuple(named[name] for name in self.order)
        return list(connection.exec_driver_sql(self.sql, bound).all())


@lru_cache(maxsize=256)
def _statements(filters: ResultFilter, sort: Sort, is_first: bool, dialect: Dialect) -> list[_Statement]:
    compiled = [query.limit(_LIMIT).compile(dialect=dialect) for query in queries(filters, sort, is_first)]
    return [
        _Statement(each.string, dict(each.params), each.positiontup if each.positional else None)
        for each in compiled
    ]


def queries(filters: ResultFilter, sort: Sort, is_first: bool) -> list[Select[Any]]:
    """Return the queries whose rows, one query after the other, are a page.

    The first page has no lower bound; others follow `LAST_ID` and, ordered by time, `LAST_CAPTURED_AT`. The
    queries are written so that SQLite walks one index in order and stops early.
    """
    if sort == "-stored":
        return [_by_storing(filters, is_first)]
    query, captured_at, key = _by_capture(filters), recordings.c.captured_at, recordings.c.id
    is_ascending = sort == "captured_at"
    order = (captured_at, key) if is_ascending else (captured_at.desc(), key.desc())
    query = query.order_by(*order)
    if is_first:
        return [query]
    # Two walks: SQLite has no single bound for a time and, where times are equal, an id.
    equal = captured_at == LAST_CAPTURED_AT
    if is_ascending:
        return [query.where(equal, key > LAST_ID), query.where(captured_at > LAST_CAPTURED_AT)]
    return [query.where(equal, key < LAST_ID), query.where(captured_at < LAST_CAPTURED_AT)]


def _by_storing(filters: ResultFilter, is_first: bool) -> Select[Any]:
    query = _base_query(filters)
    key = recordings.c.id
    conditions = _prediction_conditions(filters)
    if (filters.model or filters.label) and filters.device is None:
        # From the predictions to their recordings: a rare label is found without reading the others.
        key = predictions.c.recording
        query = query.add_columns(key).join_from(predictions, recordings).where(*conditions).distinct()
    elif conditions:
        query = query.where(_has_prediction(conditions))
    query = query.where(*(column == value for column, value in _outcomes(filters)))
    times = _time_conditions(filters)
    if times and filters.device is None:
        # Read from the index alone: a range long ago is found without touching the rows after it.
        query = query.where(key.in_(select(recordings.c.id).where(*times)))
    elif times:
        query = query.where(*times)
    if not is_first:
        query = query.where(key < LAST_ID)
    return query.order_by(key.desc())


def _by_capture(filters: ResultFilter) -> Select[Any]:
    query = _base_query(filters).where(*_time_conditions(filters))
    if conditions := _prediction_conditions(filters):
        query = query.where(_has_prediction(conditions))
    # Hidden from the indexes of outcomes, which would have a million rows sorted for a page.
    return query.where(*(func.coalesce(column, "") == value for column, value in _outcomes(filters)))


def _base_query(filters: ResultFilter) -> Select[Any]:
    """Return the part of the query that both orders have in common."""
    columns = (recordings.c.id, recordings.c.captured_at, recordings.c.document)
    query = select(*columns).where(recordings.c.document.is_not(None))
    if filters.device is not None:
        query = query.where(recordings.c.device_id == filters.device)
    if filters.disagree is not None:
        query = query.where(recordings.c.disagree.is_(filters.disagree))
    if filters.exam is not None:
        query = query.where(recordings.c.exam == filters.exam)
    if filters.subject is not None:
        query = query.where(recordings.c.subject == filters.subject)
    if filters.file_name is not None:
        query = query.where(recordings.c.file_name.icontains(filters.file_name, autoescape=True))
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


def _outcomes(filters: ResultFilter) -> list[tuple[Column[Any], str]]:
    """Return the columns of status and verdict, each with the value that it must have."""
    pairs = (
        (recordings.c.status, filters.status),
        (recordings.c.verdict, filters.verdict),
        (recordings.c.severity, filters.severity),
    )
    return [(column, value) for column, value in pairs if value is not None]


def _has_prediction(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return exists().where(predictions.c.recording == recordings.c.id, *conditions)


def _prediction_conditions(filters: ResultFilter) -> list[ColumnElement[bool]]:
    pairs = (
        (predictions.c.model, filters.model),
        (predictions.c.label, filters.label),
        (predictions.c.accepted, filters.accepted),
    )
    return [column == value for column, value in pairs if value is not None]


def _time_conditions(filters: ResultFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if filters.since is not None:
        conditions.append(recordings.c.captured_at >= filters.since)
    if filters.until is not None:
        conditions.append(recordings.c.captured_at < filters.until)
    return conditions
