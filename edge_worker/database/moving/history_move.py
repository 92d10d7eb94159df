"""All rows of a SQLite database, copied into an empty one of PostgreSQL in one transaction.

It is all there or nothing is: a move that was interrupted is begun anew. Nobody else writes the source
meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

# Each module has tables of its own, which it adds to the schema.
from edge_worker.database.adaptation import adaptation_tables as _adaptation
from edge_worker.database.counting import count_tables as _counting
from edge_worker.database.engine import begin_writing, connect, connect_existing
from edge_worker.database.postgresql.reason import reason
from edge_worker.database.reviewing import review_tables as _reviewing
from edge_worker.database.revision import REVISION, current_revision, upgrade
from edge_worker.database.schema import metadata
from edge_worker.database.sharing import moving_tables as _sharing
from edge_worker.database.site_state import site_tables as _site_state
from edge_worker.database.subjects import subject_assignments as _subjects
from edge_worker.errors import StoreError

TABLES_OF: Final = (_adaptation, _counting, _reviewing, _sharing, _site_state, _subjects)
_BATCH: Final = 500
"""Rows: a timeline of a stream has some hundred KiB."""
_SEQUENCE: Final = text(
    "SELECT setval(pg_get_serial_sequence(:table, :column), greatest(:last, 1), :last > 0)"
)


class HistoryMove:
    """A move: how many rows there are, and the copy of all of them."""

    def __init__(self, source: Engine, target: Engine) -> None:
        self._source, self._target = source, target

    @classmethod
    def open(cls, source_url: str, target_url: str) -> Self:
        """Return a move between two databases; the target gets its tables.

        Raises:
            StoreError: one cannot be used, or is of another kind or version, or the target is not empty.
        """
        kinds = tuple(connect(url).dialect.name for url in (source_url, target_url))
        if kinds != ("sqlite", "postgresql"):
            raise StoreError(f"a site moves from sqlite to postgresql, not from {' to '.join(kinds)}")
        source, target = connect_existing(source_url), connect(target_url)
        if current_revision(target) != REVISION:
            upgrade(target)
        with target.connect() as connection:
            if used := [table.name for table in metadata.sorted_tables if _count(connection, table)]:
                raise StoreError(
                    f"the database {target.url.render_as_string()} is not empty: it has rows in "
                    f"{', '.join(used[:3])}; name another one"
                )
        return cls(source, target)

    def copy(self, start: Callable[[int], None], advance: Callable[[int], object]) -> dict[str, int]:
        """Copy all rows; return how many each table has. `start` is told how many they are together.

        Raises:
            StoreError: a row cannot be read or written, or the counts differ; the target is as it was.
        """
        with self._source.connect() as source, self._target.begin() as target:
            begin_writing(source)
            counts = {table.name: _count(source, table) for table in metadata.sorted_tables}
            start(sum(counts.values()))
            for table in metadata.sorted_tables:
                for rows in _batches(source, table):
                    with _naming(table, "written"):
                        target.execute(insert(table), rows)
                    advance(len(rows))
                _set_sequence(source, target, table)
            for table in metadata.sorted_tables:
                if (found := _count(target, table)) != counts[table.name]:
                    raise StoreError(f"{table.name} has {found} rows there and {counts[table.name]} here")
            target.exec_driver_sql("ANALYZE")
        return counts

    def close(self) -> None:
        """Close all connections."""
        self._source.dispose()
        self._target.dispose()


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH)
    rows = iter(source.execute(query).mappings())
    while True:
        with _naming(table, "read"):
            batch = [dict(row) for row in islice(rows, _BATCH)]
        if not batch:
            return
        yield batch


def _set_sequence(source: Connection, target: Connection, table: Table) -> None:
    """Let the numbers of a table go on where they were: a number is never used twice."""
    column = table.autoincrement_column
    if column is None or column.foreign_keys:
        return
    last = source.execute(select(func.max(column))).scalar() or 0
    if inspect(source).has_table("sqlite_sequence"):
        used = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        last = max(last, source.execute(used, {"name": table.name}).scalar() or 0)
    target.execute(_SEQUENCE, {"table": table.name, "column": column.name, "last": last})


@contextmanager
def _naming(table: Table, what: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, ValueError, TypeError, RecursionError) as error:
        raise StoreError(
            f"a row of {table.name} cannot be {what}, nothing was moved: {reason(error)}"
        ) from error
