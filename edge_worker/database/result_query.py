"""Pages of results: what is let through, in which order, and where the next page begins.

Pages are cut by key, not by offset: the thousandth costs what the first costs, and what is inserted in
between moves nothing.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Self

from sqlalchemy import (
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

from edge_worker.database.schema import predictions, recordings, reviews
from edge_worker.errors import StethoError
from edge_worker.protocol.result import Status

Sort = Literal["-stored", "captured_at", "-captured_at"]
_CURSOR: Final = struct.Struct(">Bq")
_KINDS: Final[dict[Sort, int]] = {"-stored": 1, "captured_at": 3, "-captured_at": 4}
"""First byte of a cursor: what it is good for."""
LAST_ID: Final = bindparam("last_id", type_=Integer)
LAST_CAPTURED_AT: Final = bindparam("last_captured_at", type_=String)
_ROOM: Final = bindparam("room", type_=Integer)


class CursorError(StethoError):
    """A cursor was not made by this version of the history, or for another order."""


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """What a page is limited to; None lets everything through.

    `model`, `label` and `accepted` are held against the same prediction: that model gave that label.
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
    reviewed: Literal["confirmed", "rejected", "none"] | None = None
    exam: str | None = None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Results in the order that was asked for."""

    documents: list[str]
    """JSON texts, exactly as published."""
    next: str | None
    """Cursor of the page after this one; None on the last."""


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The row after which a page begins."""

    sort: Sort
    id: int
    captured_at: str = ""

    @classmethod
    def at(cls, cursor: str, sort: Sort) -> Self:
        """Return the place that `cursor` means; raises CursorError when it is none of `sort`."""
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
            kind, last_id = _CURSOR.unpack(raw[: _CURSOR.size])
            captured_at = raw[_CURSOR.size :].decode("ascii")
        except (ValueError, binascii.Error, struct.error):
            kind, last_id, captured_at = 0, 0, ""
        if kind not in _KINDS.values() or last_id < 1 or bool(captured_at) != (kind != _KINDS["-stored"]):
            raise CursorError("the cursor is not one that this history gave; start again without it")
        if kind != _KINDS[sort]:
            raise CursorError(f"the cursor is of another sort than {sort}; start again without it")
        return cls(sort, int(last_id), captured_at)

    def cursor(self) -> str:
        """Return the text that `at` reads."""
        captured_at = b"" if self.sort == "-stored" else self.captured_at.encode()
        return base64.urlsafe_b64encode(_CURSOR.pack(_KINDS[self.sort], self.id) + captured_at).decode()


def read(
    connection: Connection, wanted: ResultFilter, sort: Sort, cursor: str | None, limit: int
) -> ResultPage:
    """Return up to `limit` results that pass `wanted`, from `cursor` on."""
    given: dict[str, Any] = {}
    if cursor is not None:
        after = PageCursor.at(cursor, sort)
        given = {LAST_ID.key: after.id, LAST_CAPTURED_AT.key: after.captured_at}
    rows: list[Row[Any]] = []
    for statement in _statements(wanted, sort, cursor is None, connection.dialect):
        if len(rows) <= limit:
            rows += statement.execute(connection, given | {_ROOM.key: limit + 1 - len(rows)})
    shown = rows[:limit]
    is_last = len(rows) <= limit
    following = None if is_last else PageCursor(sort, shown[-1].id, shown[-1].captured_at).cursor()
    return ResultPage([row.document for row in shown], following)


def last_events(connection: Connection, device_id: str, limit: int) -> list[str]:
    """Return the results of the last events of a device, newest first, as JSON."""
    mine = (recordings.c.device_id == device_id, recordings.c.parent.is_not(None))
    query = select(recordings.c.document).where(*mine, recordings.c.document.is_not(None))
    return list(connection.execute(query.order_by(recordings.c.id.desc()).limit(limit)).scalars())


class _Statement(NamedTuple):
    """SQL as a database takes it. SQLAlchemy would write it anew for each page: a third of a page's time."""

    sql: str
    filled: dict[str, Any]
    """Parameters that are the same for all pages."""
    order: list[str] | None
    """Names of the parameters by place; None where the database goes by name."""

    def execute(self, connection: Connection, given: dict[str, Any]) -> list[Row[Any]]:
        named = self.filled | given
        parameters = named if self.order is None else tuple(named[name] for name in self.order)
        return list(connection.exec_driver_sql(self.sql, parameters).all())


@lru_cache(maxsize=256)
def _statements(wanted: ResultFilter, sort: Sort, is_first: bool, dialect: Dialect) -> list[_Statement]:
    compiled = [query.limit(_ROOM).compile(dialect=dialect) for query in queries(wanted, sort, is_first)]
    return [
        _Statement(each.string, dict(each.params), each.positiontup if each.positional else None)
        for each in compiled
    ]


def queries(wanted: ResultFilter, sort: Sort, is_first: bool) -> list[Select[Any]]:
    """Return the queries whose rows, one after the other, are a page.

    A page that `is_first` begins the history; others follow `LAST_ID` and, by time, `LAST_CAPTURED_AT`. The
    queries are written so that SQLite walks one index in order and stops early.
    """
    if sort == "-stored":
        return [_by_storing(wanted, is_first)]
    query, captured_at, key = _by_capture(wanted), recordings.c.captured_at, recordings.c.id
    is_rising = sort == "captured_at"
    query = query.order_by(captured_at, key) if is_rising else query.order_by(captured_at.desc(), key.desc())
    if is_first:
        return [query]
    # Two walks: SQLite has no one bound for a time and, where times are equal, an id.
    equal = captured_at == LAST_CAPTURED_AT
    if is_rising:
        return [query.where(equal, key > LAST_ID), query.where(captured_at > LAST_CAPTURED_AT)]
    return [query.where(equal, key < LAST_ID), query.where(captured_at < LAST_CAPTURED_AT)]


def _by_storing(wanted: ResultFilter, is_first: bool) -> Select[Any]:
    query = _selected(wanted)
    key = recordings.c.id
    judged = _judged(wanted)
    if (wanted.model or wanted.label) and wanted.device is None:
        # From the predictions to their recordings: a rare label is found without reading the others.
        key = predictions.c.recording
        query = query.add_columns(key).join_from(predictions, recordings).where(*judged).distinct()
    elif judged:
        query = query.where(_is_judged(judged))
    if wanted.status is not None:
        query = query.where(recordings.c.status == wanted.status)
    times = _times(wanted)
    if times and wanted.device is None:
        # Read from the index alone: a range long ago is found without touching what came after it.
        query = query.where(key.in_(select(recordings.c.id).where(*times)))
    elif times:
        query = query.where(*times)
    if not is_first:
        query = query.where(key < LAST_ID)
    return query.order_by(key.desc())


def _by_capture(wanted: ResultFilter) -> Select[Any]:
    query = _selected(wanted).where(*_times(wanted))
    if judged := _judged(wanted):
        query = query.where(_is_judged(judged))
    if wanted.status is not None:
        # Hidden from the index of status, which would have a million rows sorted for a page.
        query = query.where(func.coalesce(recordings.c.status, "") == wanted.status)
    return query


def _selected(wanted: ResultFilter) -> Select[Any]:
    """Return what both orders have in common."""
    columns = (recordings.c.id, recordings.c.captured_at, recordings.c.document)
    query = select(*columns).where(recordings.c.document.is_not(None))
    if wanted.device is not None:
        query = query.where(recordings.c.device_id == wanted.device)
    if wanted.exam is not None:
        query = query.where(recordings.c.exam == wanted.exam)
    if wanted.reviewed == "none":
        query = query.where(~exists().where(reviews.c.recording == recordings.c.id))
    elif wanted.reviewed is not None:
        # People write reviews: there are few, so begin there.
        reviewed = select(reviews.c.recording).where(reviews.c.verdict == wanted.reviewed)
        query = query.where(recordings.c.id.in_(reviewed))
    return query


def _is_judged(judged: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return exists().where(predictions.c.recording == recordings.c.id, *judged)


def _judged(wanted: ResultFilter) -> list[ColumnElement[bool]]:
    pairs = (
        (predictions.c.model, wanted.model),
        (predictions.c.label, wanted.label),
        (predictions.c.accepted, wanted.accepted),
    )
    return [column == value for column, value in pairs if value is not None]


def _times(wanted: ResultFilter) -> list[ColumnElement[bool]]:
    times = []
    if wanted.since is not None:
        times.append(recordings.c.captured_at >= wanted.since)
    if wanted.until is not None:
        times.append(recordings.c.captured_at < wanted.until)
    return times
