"""SQLAlchemy engines for the database: SQLite by default, any other URL by setting."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from edge_worker.database.postgresql import session
from edge_worker.database.postgresql.reason import reason
from edge_worker.database.repair import sqlite_file
from edge_worker.database.repair.writable import open_problem, unwritable
from edge_worker.database.revision import require_revision
from edge_worker.errors import (
    DatabaseDamagedError,
    DatabaseGoneError,
    DatabaseUnwritableError,
    StoreError,
)
from edge_worker.protocol import strict_json

Database = Engine
"""An open database, for type hints of modules that must not import SQLAlchemy."""


def connect(url: str, *, read_only: bool = False, even_unwritable: bool = False) -> Engine:
    """Return an engine for `url`; SQLite gets WAL, full durability and a lock that waits 5 s.

    A file that cannot be written now is read only if that was asked for: by a short process that saves it.

    A read-only SQLite connection still needs a writable directory: in WAL mode the last reader may have
    to create the `-shm` file. `query_only` is what keeps it from writing.

    Raises:
        StoreError: `url` is malformed or its driver is not installed.
    """
    try:
        engine = create_engine(
            url, pool_pre_ping=not url.startswith("sqlite"), json_serializer=strict_json.write
        )
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(
            f"STETHO_DATABASE_URL is not usable ({error}); URLs are sqlite:////FILE and "
            "postgresql+psycopg://USER@HOST/DATABASE, whose driver comes with stetho-edge[postgresql]"
        ) from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine, read_only=read_only)
        if not even_unwritable:
            _refuse_unwritable(engine)
    elif engine.dialect.name == "postgresql":
        session.set_up(engine)
        if read_only:
            engine = engine.execution_options(postgresql_readonly=True)
    return engine


def connect_existing(url: str, *, read_only: bool = False, even_unwritable: bool = False) -> Engine:
    """Return an engine for a database that a worker created; connecting creates and changes nothing.

    Raises:
        StoreError: the database does not exist, or is of another version.
    """
    engine = connect(url, read_only=read_only, even_unwritable=even_unwritable)
    path = sqlite_path(engine)
    if path and not os.path.exists(path):  # noqa: PTH110 - likewise
        require_writable(path)
        raise StoreError(f"there is no database {path}; start the worker once, it creates the tables")
    require_revision(engine)
    follow_file(engine)
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
            raise StoreError(f"{self._FAILURE}: {reason(error)}") from error


def begin_writing(connection: Connection) -> None:
    """Begin a transaction of SQLite with its lock: what is read in it stays true until it is changed."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def sqlite_path(engine: Engine) -> Path | None:
    """Return the file of a SQLite database; None: it has none, or it is another database."""
    path = engine.url.database
    return Path(path) if engine.dialect.name == "sqlite" and path and path != ":memory:" else None


def on_new_connection(engine: Engine, call: Callable[[], None]) -> None:
    """Call `call` with each connection that is opened, on the thread that needs it."""

    @event.listens_for(engine, "connect")
    def _on_connect(*_: object) -> None:
        call()


def follow_file(engine: Engine) -> None:
    """Let connections of `engine` follow the file: never use one that was deleted, never create one.

    A file that was replaced, by a repair or by an operator, is used from the next connection on; what a
    transaction has done to the old one is not committed: nobody would look for it there.

    Raises, on every use:
        DatabaseGoneError: there is no file.
    """
    path = sqlite_path(engine)
    if path is None:
        return

    @event.listens_for(engine, "do_connect")
    def _on_open(*_: object) -> None:
        if not path.exists():
            raise DatabaseGoneError(f"the database {path} was deleted; the worker writes it again")

    @event.listens_for(engine, "connect", insert=True)
    def _on_connect(_connection: object, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own type
        record.info["file"] = sqlite_file.identity(path)

    @event.listens_for(engine, "checkout")
    def _on_checkout(_connection: object, record: Any, _proxy: object) -> None:  # noqa: ANN401 - likewise
        if record.info.get("file") != sqlite_file.identity(path):
            raise DisconnectionError("another file lies there now")

    @event.listens_for(engine, "commit")
    def _on_commit(connection: Connection) -> None:
        if connection.connection.info.get("file") != sqlite_file.identity(path):
            raise DatabaseGoneError(f"the database {path} was replaced meanwhile")


def _refuse_unwritable(engine: Engine) -> None:
    """Let no connection open and no transaction begin while the file of `engine` cannot be written.

    SQLite maps the index of its WAL into memory, and readers write there, too. Where the disk has become
    read-only meanwhile, the kernel ends the process for that (SIGBUS) instead of returning an error; and one
    that opened the file while it was read-only could not write it later.
    """
    path = sqlite_path(engine)
    if path is None:
        return
    folder, file, index, wal = str(path.parent), str(path), f"{path}-shm", f"{path}-wal"

    @event.listens_for(engine, "do_connect")
    @event.listens_for(engine, "begin")
    def _on_use(*_: object) -> None:
        # Each transaction comes here, and looking for what is wrong takes four times as long.
        is_usual = os.access(folder, os.W_OK | os.X_OK)
        is_usual = is_usual and os.access(file, os.W_OK) and os.access(index, os.W_OK)
        if not is_usual or open_problem(wal):
            require_writable(path)


def require_writable(path: Path) -> None:
    """Raise DatabaseUnwritableError where a database cannot be written, or not even be looked at."""
    index, wal = (path.with_name(path.name + companion) for companion in ("-shm", "-wal"))
    there = [each for each in (path.parent, path, index) if os.path.exists(each)]  # noqa: PTH110 raises nothing
    if problem := unwritable(there) or open_problem(wal):
        raise DatabaseUnwritableError(problem)


def _name_damage(engine: Engine) -> None:
    """Raise DatabaseDamagedError where SQLite finds a damaged page: the driver has no class for that."""

    @event.listens_for(engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        error = context.original_exception
        if sqlite_file.is_damage(error):
            raise DatabaseDamagedError(
                f"the database {engine.url.database} is damaged ({error}); the worker repairs it "
                "(docs/operations.md)"
            ) from error


def _tune_sqlite(engine: Engine, *, read_only: bool) -> None:
    _name_damage(engine)

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
