"""Results in the order in which they were analysed, for clients that follow new ones."""

from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from edge_worker.database.schema import recordings

_KEY = (recordings.c.analysed_at, recordings.c.id)


class ResultPosition(NamedTuple):
    """Position in the order in which results were analysed."""

    analysed_at: str
    row: int


def last_position(connection: Connection) -> ResultPosition:
    """Return the position of the newest result; one before all others where there is none."""
    query = select(*_KEY).where(recordings.c.analysed_at.is_not(None))
    row = connection.execute(query.order_by(*(each.desc() for each in _KEY)).limit(1)).first()
    return ResultPosition("", 0) if row is None else ResultPosition(*row)


def results_after(
    connection: Connection, position: ResultPosition, limit: int, device: str | None = None
) -> list[tuple[ResultPosition, str]]:
    """Return up to `limit` results behind `position` in their order, each with its position, JSON text."""
    query = select(*_KEY, recordings.c.document).where(tuple_(*_KEY) > tuple_(*position))
    if device is not None:
        query = query.where(recordings.c.device_id == device)
    rows = connection.execute(query.order_by(*_KEY).limit(limit)).all()
    return [(ResultPosition(row.analysed_at, row.id), row.document) for row in rows]


def last_events(connection: Connection, device_id: str, limit: int) -> list[str]:
    """Return the results of the last events of a device, newest first, JSON texts."""
    is_event = (recordings.c.device_id == device_id, recordings.c.parent.is_not(None))
    query = select(recordings.c.document).where(*is_event, recordings.c.document.is_not(None))
    return list(connection.execute(query.order_by(recordings.c.id.desc()).limit(limit)).scalars())
