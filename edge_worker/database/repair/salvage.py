"""Salvage of a damaged SQLite database: every row that can still be read is copied into a new file.

Tables are read in the order of their row ids. Where a page cannot be read, the ids after it are tried one
after the other, then in larger and larger steps, until a page is whole again.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from edge_worker.database.repair.sqlite_file import is_damage

_LAST_ROW: Final = 2**40
_SINGLE_STEPS: Final = 2000
_SEQUENCE: Final = "sqlite_sequence"
Row = tuple[Any, ...]


class Salvaged(NamedTuple):
    """What came of a salvage."""

    rows: dict[str, int]
    """By table: how many could be read."""
    is_whole: bool
    """Whether that is all of them: no page of a table was damaged, only indexes."""


def copy_readable(damaged: sqlite3.Connection, new: sqlite3.Connection) -> Salvaged:
    """Copy schema and rows of a database.

    Raises:
        sqlite3.DatabaseError: not even the schema can be read, or `new` cannot be written.
    """
    schema = damaged.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    tables = [(name, sql) for kind, name, sql in schema if kind == "table"]
    rows: dict[str, int] = {}
    failures: list[sqlite3.Error] = []
    with new:
        new.execute("BEGIN")
        for name, sql in tables:
            if not name.startswith("sqlite_"):
                new.execute(sql)
        for name, _ in tables:
            rows[name] = sum(_copied(new, name, row) for row in _rows(damaged, name, failures))
        _delete_orphans(new)
        for kind, _, sql in schema:
            if kind != "table":
                new.execute(sql)
    return Salvaged(rows, is_whole=not failures)


def _delete_orphans(new: sqlite3.Connection) -> None:
    """Delete what belongs to rows that are lost: a later row may get the same id."""
    orphans = new.execute("PRAGMA foreign_key_check").fetchall()
    for table, row_id, *_ in orphans:
        new.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row_id,))  # noqa: S608 - of the schema


def _copied(new: sqlite3.Connection, table: str, row: Row) -> int:
    places = ", ".join("?" * len(row))
    if table == _SEQUENCE:  # it exists, and its rows have been made by those of the other tables
        new.execute(f"DELETE FROM {_SEQUENCE} WHERE name = ?", row[:1])  # noqa: S608 - our own name
    return new.execute(f'INSERT OR IGNORE INTO "{table}" VALUES ({places})', row).rowcount  # noqa: S608 - of the schema


def _rows(damaged: sqlite3.Connection, table: str, failures: list[sqlite3.Error]) -> Iterator[Row]:
    """Yield the rows of a table that can be read; what could not is added to `failures`."""
    after, step = -1, 0
    while after + step < _LAST_ROW:
        query = f'SELECT rowid, * FROM "{table}" WHERE rowid > ? ORDER BY rowid'  # noqa: S608 - of the schema
        try:
            for row_id, *values in damaged.execute(query, (after + step,)):
                if row_id <= after:
                    return  # damaged pages that lead in a circle
                after, step = row_id, 0
                yield tuple(values)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            failures.append(error)
            step = step + 1 if step < _SINGLE_STEPS else 2 * step
        else:
            return
