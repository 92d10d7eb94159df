"""SQLAlchemy engines for the database: SQLite by default, any other URL by setting."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.revision import require_revision
from edge_worker.errors import StoreError

Database = Engine
"""An open database, for type hints of modules that must not import SQLAlchemy."""


def connect(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine for `url`; SQLite gets WAL, full durability and a lock that waits 5 s.

    A read-only SQLite connection still needs a writable directory: in WAL mode the last reader may have
    to create the `-shm` file. `query_only` is what keeps it from writing.

    Raises:
        StoreError: `url` is malformed or its driver is not installed.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(f"STETHO_DATABASE_URL is not usable: {error}") from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, read_only=read_only)
    elif engine.dialect.name == "postgresql" and read_only:
        engine = engine.execution_options(postgresql_readonly=True)
    return engine


def connect_existing(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine for a database that a worker created; connecting creates and changes nothing.

    Raises:
        StoreError: the database does not exist, or is of another version.
    """
    engine = connect(url, read_only=read_only)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and not Path(path).exists():
        raise StoreError(f"there is no database {path}; start the worker once, it creates the tables")
    require_revision(engine)
    return engine


class LazyDatabase:
    """A database that its first transaction opens: the API may start before the worker has created it.

    Safe from any thread. Every method of a subclass may raise StoreError.
    """

    _FAILURE: ClassVar[str] = "the database cannot be written"

    def __init__(self, url: str) -> None:
        self._url = url

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return connect_existing(self._url)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        engine = self._engine
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            require_revision(engine)  # its message is clearer where that is the reason
            raise StoreError(f"{self._FAILURE}: {str(error).splitlines()[0]}") from error


def _tune_sqlite(engine: Engine, *, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()
