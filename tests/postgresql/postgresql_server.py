"""PostgreSQL for tests: a real server of Debian's package, with a database for each test."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bench.cluster.postgresql import PostgreSql
from edge_worker.database.moving.history_move import TABLES_OF
from edge_worker.database.schema import metadata
from edge_worker.database.store import Store

_EMPTY: Final = "empty_site"
"""Database with the tables of a site, which others are copied from: migrating takes longer than a test."""
_OBJECTS: Final = text(
    "SELECT (SELECT string_agg(attrelid::regclass || '.' || attname, ' ' ORDER BY attrelid, attname) "
    "FROM pg_attribute WHERE attrelid >= 16384), (SELECT count(*) FROM pg_trigger), "
    "(SELECT count(*) FROM pg_rewrite), (SELECT version_num FROM alembic_version)"
)
"""What a test has changed of a database if it has changed more than rows."""
_NOT_DURABLE: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresqlServer:
    """A running server on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = count(1)
        self._free: list[str] = []
        self._objects: tuple[object, ...] = ()
        self._engine: Engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        """Return the URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def new_database_without_encoding(self) -> str:
        """Create an empty database whose encoding is `SQL_ASCII`; return its URL."""
        name = f"test_{next(self._names)}"
        self._execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        return self.url(name)

    def new_database(self, *, with_tables: bool) -> str:
        """Create a database, empty or as a worker that has received nothing leaves it; return its URL."""
        name = f"test_{next(self._names)}"
        if with_tables and not self._has_empty_site():
            self._execute(f"CREATE DATABASE {_EMPTY}")
            Store.open(self.url(_EMPTY)).close()
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_EMPTY if with_tables else 'template0'}")
        return self.url(name)

    def lend(self) -> str:
        """Return the URL of a database as a worker that has received nothing leaves it.

        One that was used before, if there is one: making one takes a hundred times as long as clearing it.
        """
        if self._free:
            return self._free.pop()
        url = self.new_database(with_tables=True)
        self._objects = self._objects or _cleared(url)
        return url

    def take_back(self, url: str) -> None:
        """Clear a database that was lent, whoever is still connected to it, for the next one."""
        name = make_url(url).database
        self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - ours
        )
        if _cleared(url) == self._objects:
            self._free.append(url)
        else:
            self.drop(url)

    def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected to it."""
        self._execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        """Close the connections of this object."""
        self._engine.dispose()

    def _has_empty_site(self) -> bool:
        with self._engine.connect() as connection:
            found = text("SELECT 1 FROM pg_database WHERE datname = :name")
            return connection.execute(found, {"name": _EMPTY}).first() is not None

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


def _cleared(url: str) -> tuple[object, ...]:
    """Delete all rows of a database; return what else it has, nothing if its tables are others now."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_CLEAR)
            return tuple(connection.execute(_OBJECTS).one())
    except SQLAlchemyError:
        return ()
    finally:
        engine.dispose()


def _clear_statements() -> Iterator[str]:
    for table in reversed(metadata.sorted_tables):
        yield f"DELETE FROM {table.name};"  # noqa: S608 - ours
        column = table.autoincrement_column
        if column is not None and not column.foreign_keys:
            yield f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), 1, false);"


_CLEAR: Final = "".join(_clear_statements()) if TABLES_OF else ""


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """Run a server with an empty data directory."""
    with tempfile.TemporaryDirectory(prefix="stetho-pg-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)  # started by root, the server has a user of its own
        with PostgreSql(folder / "server", _NOT_DURABLE):
            server = PostgresqlServer(folder / "server")
            try:
                yield server
            finally:
                server.close()
