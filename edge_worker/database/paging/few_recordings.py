"""Choice of where a query begins: with a condition that few recordings meet, if there is one.

A database walks the index of the order that is asked for until a page is full, which is fast where many rows
meet the conditions, and reads a million where nearly none does. There it is told to begin with the few.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from edge_worker.database.counting.count_tables import label_counts
from edge_worker.database.schema import predictions, recordings

FEW: Final = 5_000
"""Rows that are sorted as fast as a page is found by walking, where so many of a million meet a condition."""


def rarest(connection: Connection, conditions: Iterable[Select[Any]]) -> Select[Any] | None:
    """Return the one of `conditions`, queries of row ids, that the fewest meet; None: all are met by many."""
    counted = [(_count(connection, each), number, each) for number, each in enumerate(conditions)]
    few = [each for each in counted if each[0] <= FEW]
    # The limit tells PostgreSQL that they are few; rows may have come in since they were counted.
    return min(few)[2].limit(2 * FEW) if few else None


def of_outcome(column: ColumnElement[Any], value: Any) -> Select[Any]:  # noqa: ANN401 - of the column's type
    """Return the query of the recordings whose status, verdict or severity is `value`."""
    # PostgreSQL uses a partial index for "not true" only where it is told that null is not meant.
    return select(recordings.c.id).where(column == value, column.is_not(None))


def file_name_conditions(part: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions under which a recording is an upload whose name has this part."""
    # Of uploads only: the index holds no others.
    return recordings.c.file_name.is_not(None), recordings.c.file_name.icontains(part, autoescape=True)


def of_prediction(
    connection: Connection, model: str | None, label: str | None, accepted: bool | None
) -> Select[Any]:
    """Return the query of the recordings for which a model gave such a label, by one index alone."""
    key = (predictions.c.model, predictions.c.label, predictions.c.accepted)
    row = select(predictions.c.recording)
    # One query for each outcome: SQLite uses no index for `(model, label, accepted) IN (...)`.
    queries = [
        row.where(*(column == value for column, value in zip(key, (*pair, is_accepted), strict=True)))
        for pair in _pairs(connection, model, label)
        for is_accepted in ((False, True) if accepted is None else (accepted,))
    ]
    return select(union_all(*queries).subquery()) if queries else row.where(predictions.c.recording.in_(()))


def _pairs(connection: Connection, model: str | None, label: str | None) -> list[tuple[str, str]]:
    """Return the labels that models gave, each with its model."""
    query = select(label_counts.c.model, label_counts.c.label).distinct()
    if model is not None:
        query = query.where(label_counts.c.model == model)
    if label is not None:
        query = query.where(label_counts.c.label == label)
    return [(row.model, row.label) for row in connection.execute(query)]


def _count(connection: Connection, query: Select[Any]) -> int:
    """Return how many rows a query has; of many, one more than are few."""
    some = query.limit(FEW + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
