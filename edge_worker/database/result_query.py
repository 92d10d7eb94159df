"""Query of pages of results: filters, order, and keyset pagination.

Pages are cut by key, not by offset: the thousandth page costs what the first costs, and rows that are
inserted between two requests move nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    func,
    select,
)

from edge_worker.database.page_cursor import PageCursor, Sort
from edge_worker.database.paging import few_recordings, result_filter
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.schema import LONG, predictions, recordings
from edge_worker.database.statements.compiled_query import CompiledQuery

LAST_ID: Final = bindparam("last_id", type_=LONG)
NEAR_ID: Final = bindparam("near_id", type_=LONG)
LAST_CAPTURED_AT: Final = bindparam("last_captured_at", type_=String)
NEXT_ID: Final = bindparam("next_id", type_=LONG)
_NEAR: Final = 2_000
"""Rows that are looked at one by one before a range of time is read."""
_NEAR_OF_DEVICE: Final = 300
"""The same of one device, whose rows lie apart from each other."""
_NEXT: Final = 300
"""Rows of the range that are looked at then: more than a page, of which most pass the other filters."""
_Part = Literal["near", "range", "rest"]
"""Which rows a query of a page with a range of time looks at: those that come next, the next of the range, or
all of the range."""
_LIMIT: Final = bindparam("page_limit", type_=Integer)


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
    few = few_recordings.rarest(connection, _indexed_conditions(connection, filters))
    if few is None:
        rows = _walk(connection, filters, sort, parameters, limit + 1)
    else:
        query = query_of_few(few, filters, sort, is_first=cursor is None)
        rows = list(connection.execute(query, parameters | {_LIMIT.key: limit + 1}))
    shown = rows[:limit]
    is_last = len(rows) <= limit
    following = None if is_last else PageCursor(sort, shown[-1].id, shown[-1].captured_at).encode()
    return ResultPage([row.document for row in shown], following, [row.id for row in shown])


def _walk(
    connection: Connection, filters: ResultFilter, sort: Sort, parameters: dict[str, Any], limit: int
) -> list[Row[Any]]:
    """Return up to `limit` results by walking an index in order."""
    rows: list[Row[Any]] = []
    statements = _compiled(filters, sort, not parameters, connection.dialect)
    if any(NEAR_ID.key in each.constants for each in statements):
        near = _near(connection, filters.device, parameters.get(LAST_ID.key))
        parameters = parameters | {NEAR_ID.key: near, NEXT_ID.key: near}
    for statement in statements:
        if rows and NEXT_ID.key in statement.constants:
            parameters = parameters | {NEXT_ID.key: rows[-1].id}
        if len(rows) < limit:
            rows += statement.execute(connection, parameters | {_LIMIT.key: limit - len(rows)})
    return rows


_LAST_ROW: Final = select(func.max(recordings.c.id))


def _near(connection: Connection, device: str | None, last: int | None) -> int:
    """Return from which row on those before `last`, of one device or of all, are looked at one by one."""
    if device is None:
        return (last or connection.execute(_LAST_ROW).scalar() or 0) - _NEAR
    mine = select(recordings.c.id).where(recordings.c.device_id == device)
    mine = mine if last is None else mine.where(recordings.c.id < last)
    query = mine.order_by(recordings.c.id.desc()).limit(1).offset(_NEAR_OF_DEVICE)
    return connection.execute(query).scalar() or 0


@lru_cache(maxsize=256)
def _compiled(filters: ResultFilter, sort: Sort, is_first: bool, dialect: Dialect) -> list[CompiledQuery]:
    return [CompiledQuery.of(query.limit(_LIMIT), dialect) for query in queries(filters, sort, is_first)]


def queries(filters: ResultFilter, sort: Sort, is_first: bool) -> list[Select[Any]]:
    """Return the queries whose rows, one query after the other, are a page.

    The first page has no lower bound; others follow `LAST_ID` and, ordered by time, `LAST_CAPTURED_AT`. The
    queries are written so that SQLite walks one index in order and stops early.
    """
    if sort == "-stored":
        if result_filter.time_conditions(filters):
            return [_by_storing(filters, is_first, part) for part in get_args(_Part)]
        return [_by_storing(filters, is_first)]
    query, captured_at, key = _by_capture(filters), recordings.c.captured_at, recordings.c.id
    query = query.order_by(*_order(sort, captured_at, key))
    if is_first:
        return [query]
    # Two walks: SQLite has no single bound for a time and, where times are equal, an id.
    equal = captured_at == LAST_CAPTURED_AT
    if sort == "captured_at":
        return [query.where(equal, key > LAST_ID), query.where(captured_at > LAST_CAPTURED_AT)]
    return [query.where(equal, key < LAST_ID), query.where(captured_at < LAST_CAPTURED_AT)]


def query_of_few(few: Select[Any], filters: ResultFilter, sort: Sort, *, is_first: bool) -> Select[Any]:
    """Return the query of a page that begins with `few`, the ids of few rows, and sorts what is left of them.

    Its documents are read last, of the rows of the page alone.
    """
    captured_at, key = result_filter.hidden(recordings.c.captured_at), recordings.c.id
    # Hidden here, too: PostgreSQL believes that hardly any row is in a range of time, and would begin there.
    query = _by_capture(filters, captured_at).with_only_columns(key, captured_at.label("captured_at"))
    query = query.where(key.in_(few))
    later, same = captured_at > LAST_CAPTURED_AT, captured_at == LAST_CAPTURED_AT
    earlier = captured_at < LAST_CAPTURED_AT
    is_next = {
        "-stored": key < LAST_ID,
        "captured_at": later | (same & (key > LAST_ID)),
        "-captured_at": earlier | (same & (key < LAST_ID)),
    }[sort]
    if not is_first:
        query = query.where(is_next)
    # Nor has an index this key: PostgreSQL would walk it, as if the page were soon full.
    page = query.order_by(*_order(sort, captured_at, key + 0)).limit(_LIMIT).subquery()
    columns = (*page.c, recordings.c.document)
    whole = select(*columns).join_from(page, recordings, key == page.c.id)
    return whole.order_by(*_order(sort, page.c.captured_at, page.c.id))


def _order(
    sort: Sort, captured_at: ColumnElement[str], key: ColumnElement[int]
) -> tuple[ColumnElement[Any], ...]:
    if sort == "-stored":
        return (key.desc(),)
    return (captured_at, key) if sort == "captured_at" else (captured_at.desc(), key.desc())


def _indexed_conditions(connection: Connection, filters: ResultFilter) -> Iterator[Select[Any]]:
    """Yield a query of row ids for each condition of `filters` that an index finds alone."""
    for column, value in result_filter.outcomes(filters):
        yield few_recordings.of_outcome(column, value)
    if result_filter.prediction_conditions(filters):
        yield few_recordings.of_prediction(connection, filters.model, filters.label, filters.accepted)
    if filters.no_subject:
        yield select(recordings.c.id).where(recordings.c.subject.is_(None))
    if filters.file_name is not None:
        yield select(recordings.c.id).where(*few_recordings.file_name_conditions(filters.file_name))


def _by_storing(filters: ResultFilter, is_first: bool, part: _Part | None = None) -> Select[Any]:
    """Return the query of a page; with a range of time of a part of the rows.

    Most ranges that people ask for end now: the next rows are in them, and no range need be read. Of another
    one the next rows are read from an index alone: PostgreSQL would walk all rows that came after it.
    """
    times, device_id, key = result_filter.time_conditions(filters), recordings.c.device_id, recordings.c.id
    is_walk = part == "near" or not times
    query = result_filter.base_query(filters, device_id if is_walk else result_filter.hidden(device_id))
    conditions = result_filter.prediction_conditions(filters)
    if (filters.model or filters.label) and filters.device is None:
        # From the predictions to their recordings: a rare label is found without reading the others.
        key = predictions.c.recording
        query = query.join_from(predictions, recordings).where(*conditions)
        if filters.model is None:  # several models may give this label
            query = query.where(~result_filter.is_repeated(filters))
    elif conditions:
        query = query.where(result_filter.has_prediction(conditions))
    outcomes = result_filter.outcomes(filters) if part is None else result_filter.hidden_outcomes(filters)
    query = query.where(*(column == value for column, value in outcomes))
    if part == "near":
        query = query.where(
            key >= NEAR_ID,
            *result_filter.time_conditions(filters, result_filter.hidden(recordings.c.captured_at)),
        )
    elif times:
        # Read from one index alone: a range long ago is found without touching the rows after it.
        mine = () if filters.device is None else (device_id == filters.device,)
        range_of_time = select(recordings.c.id).where(*mine, *times)
        if part == "range":
            is_next = (
                (recordings.c.id < NEXT_ID,)
                if is_first
                else (recordings.c.id < NEXT_ID, recordings.c.id < LAST_ID)
            )
            range_of_time = range_of_time.where(*is_next).order_by((recordings.c.id + 0).desc()).limit(_NEXT)
        query = query.where(key.in_(range_of_time))
    if part in ("range", "rest"):
        query = query.where(key < NEXT_ID)
    if not is_first:
        query = query.where(key < LAST_ID)
    # Of few rows that are known: not in the order of an index, or PostgreSQL would walk that to find them.
    return query.order_by((key + 0).desc() if part == "range" else key.desc())


def _by_capture(
    filters: ResultFilter, captured_at: ColumnElement[str] = recordings.c.captured_at
) -> Select[Any]:
    times = result_filter.time_conditions(filters, captured_at)
    query = result_filter.base_query(filters).where(*times)
    if conditions := result_filter.prediction_conditions(filters):
        query = query.where(result_filter.has_prediction(conditions))
    return query.where(*(column == value for column, value in result_filter.hidden_outcomes(filters)))
