"""Results in the order in which they were made, for clients that follow new ones.

Each result gets the next number when it is saved. Numbers only grow, whatever the clock does, and are never
used twice. A result that can be read has all lower numbers before it: a reader that asks for what follows the
last number misses nothing, however many workers write.
"""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, text

from edge_worker.database.schema import recordings, result_feed
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.protocol.verdict import Verdict

_TAKE_BACK: Final = CompiledStatement(delete(result_feed).where(result_feed.c.recording == bindparam("row")))
_ADD: Final = CompiledStatement(insert(result_feed))
_HELD_S: Final = 10
_TURN: Final = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :held, true), pg_advisory_xact_lock(:feed)"
)
_FEED: Final = 0x57E7_0FEE
"""Of the lock: any number that no other program uses in the same database."""


def add(connection: Connection, rows: Sequence[int]) -> None:
    """Give the results of recordings, by the ids of their rows, the next numbers.

    The last statement of a transaction: other writers wait for its end, and must find nothing else locked.
    """
    if rows:
        _take_turn(connection)
        # A result that was taken back by hand, and made again, is new.
        _TAKE_BACK.run(connection, [{"row": row} for row in rows])
        _ADD.run(connection, [{"recording": row} for row in rows])


def _take_turn(connection: Connection) -> None:
    """Let no other writer number its results before this transaction has ended.

    A sequence of PostgreSQL counts when it is asked, not when a transaction is committed: without this, a
    lower number may appear after a higher one. SQLite has one writer at a time anyway. A writer that hangs,
    or whose machine is gone, loses its turn.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_TURN, {"held": f"{_HELD_S}s", "feed": _FEED})


def last_number(connection: Connection) -> int:
    """Return the number of the newest result, 0 where there is none."""
    return connection.execute(select(func.max(result_feed.c.number))).scalar() or 0


def number_of_row(connection: Connection, row: int) -> int | None:
    """Return the number of the result of a recording, None where there is none."""
    return connection.execute(select(result_feed.c.number).where(result_feed.c.recording == row)).scalar()


def results_after(
    connection: Connection, number: int, limit: int, device: str | None = None
) -> list[tuple[int, str]]:
    """Return up to `limit` results with higher numbers than `number`, each with its own, JSON text."""
    query = select(result_feed.c.number, recordings.c.document).join_from(result_feed, recordings)
    query = query.where(result_feed.c.number > number)
    if device is not None:
        query = query.where(recordings.c.device_id == device)
    rows = connection.execute(query.order_by(result_feed.c.number).limit(limit)).all()
    return [(row.number, row.document) for row in rows]


def last_events(connection: Connection, device_id: str, limit: int) -> list[str]:
    """Return the results of the last events of a device, newest first, JSON texts."""
    is_event = (recordings.c.device_id == device_id, recordings.c.parent.is_not(None))
    query = select(recordings.c.document).where(*is_event, recordings.c.document.is_not(None))
    return list(connection.execute(query.order_by(recordings.c.id.desc()).limit(limit)).scalars())


def event_verdict(connection: Connection, device_id: str, stream: str) -> Verdict | None:
    """Return the verdict of the most serious event of a stream, of those the last; None: none has one."""
    is_event = (recordings.c.device_id == device_id, recordings.c.parent == stream)
    query = select(recordings.c.document).where(*is_event, recordings.c.verdict.is_not(None))
    seriousness = case({"finding": 0, "none": 1}, value=recordings.c.severity, else_=2)
    text = connection.execute(query.order_by(seriousness, recordings.c.id.desc()).limit(1)).scalar()
    return None if text is None else Verdict.of_event(json.loads(text))
