"""Insertion of recordings and predictions, which are counted in the same transaction."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select

from edge_worker.database.counting import counts
from edge_worker.database.schema import predictions, recordings
from edge_worker.database.statements.compiled_statement import CompiledStatement

_INSERT_RECORDING: Final = insert(recordings).returning(recordings.c.id, sort_by_parameter_order=True)
_INSERT_ONE: Final = CompiledStatement(insert(recordings).returning(recordings.c.id))
_INSERT_PREDICTION: Final = CompiledStatement(insert(predictions))
_ROW_ID: Final = CompiledStatement(
    select(recordings.c.id).where(
        recordings.c.device_id == bindparam("device_id"),
        recordings.c.recording_id == bindparam("recording_id"),
    )
)


def insert_recordings(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert recordings; return the ids of their rows, in the same order.

    Raises:
        IntegrityError: one of them exists already.
    """
    if len(rows) == 1 or connection.dialect.name == "sqlite":  # each costs a round trip elsewhere
        ids = [_INSERT_ONE.found(connection, row)[0][0] for row in rows]
    else:
        ids = list(connection.execute(_INSERT_RECORDING, rows).scalars())
    counts.add_recordings(connection, [row["device_id"] for row in rows])
    return ids


def insert_new(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert those recordings that do not exist yet; return the ids of all."""
    return [
        found if (found := row_id(connection, row)) is not None else insert_recordings(connection, [row])[0]
        for row in rows
    ]


def row_id(connection: Connection, row: dict[str, Any]) -> int | None:
    """Return the id of the row of a recording, None where it is not stored."""
    key = {name: row[name] for name in ("device_id", "recording_id")}
    found = _ROW_ID.found(connection, key)
    return found[0][0] if found else None


def insert_predictions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert predictions, of which there may be none."""
    if rows:
        _INSERT_PREDICTION.run(connection, rows)
        counts.add_predictions(connection, rows)
