"""The same history on PostgreSQL: a server of its own, rows by COPY, and the times of the same queries."""

import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from bench.cluster.postgresql import PostgreSql
from bench.history import history_queries, history_rows
from edge_worker.database.counting import counts
from edge_worker.database.engine import connect
from edge_worker.database.postgresql.session import wait_without_end
from edge_worker.database.store import Store

_OPTIONS: Final = ("fsync=off", "max_wal_size=8GB", "maintenance_work_mem=512MB")
"""For filling it; queries depend on none of them."""
_TABLES: Final = ["predictions", "result_feed", "recordings"]
_KEYS: Final = """
    SELECT conrelid::regclass AS of, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('f', 'u') ORDER BY contype"""
"""Each key, those to other tables first."""
_INDEXES: Final = """
    SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid::regclass::text = ANY(%s) AND NOT indisunique"""


def measure(rows: int = history_rows.ROWS) -> dict[str, float]:
    """Return the figures of all queries, as of SQLite.

    Raises:
        StoreError: PostgreSQL is not installed here.
    """
    with tempfile.TemporaryDirectory(prefix="stetho-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # started by root, the server has a user of its own
        with PostgreSql(folder / "server", _OPTIONS) as server:
            fill(server.url, rows)
            figures = history_queries.measure(server.url, rows)
    return {f"postgresql_{name}": value for name, value in figures.items()}


def fill(url: str, rows: int = history_rows.ROWS, rare_every: int = history_rows.RARE_EVERY) -> None:
    """Create the tables as a worker does, and fill them; indexes are made when the rows are there."""
    Store.open(url).close()
    engine = connect(url)
    with engine.begin() as connection:
        wait_without_end(connection)
        indexes = connection.exec_driver_sql(_INDEXES, (_TABLES,)).all()
        keys = connection.exec_driver_sql(_KEYS, (_TABLES,)).all()
        for index in indexes:
            connection.exec_driver_sql(f"DROP INDEX {index.name}")
        for key in keys:
            connection.exec_driver_sql(f"ALTER TABLE {key.of} DROP CONSTRAINT {key.name}")
        for table, columns, values in chain.from_iterable(history_rows.batches(rows, rare_every)):
            _copy(connection, table, columns, values)
        for index in indexes:
            connection.exec_driver_sql(index.definition)
        for key in reversed(keys):
            connection.exec_driver_sql(f"ALTER TABLE {key.of} ADD CONSTRAINT {key.name} {key.definition}")
        counts.count_again(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_without_end(connection)
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _copy(
    connection: Connection, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        # Not write_row, which takes longer for a row than the server does; nothing here needs an escape.
        copy.write("".join("\t".join(map(_text, row)) + "\n" for row in rows))


def _text(value: object) -> str:
    return r"\N" if value is None else str(value)
