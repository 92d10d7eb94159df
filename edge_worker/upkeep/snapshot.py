"""Snapshot of the database: a copy of one moment, while the worker writes on."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_worker.database.engine import connect_existing
from edge_worker.database.recording_query import KEEPS_AUDIO
from edge_worker.errors import StoreError
from edge_worker.own_command import stetho

_WAIT_S: Final = 30.0


def sqlite_file(url: str) -> Path:
    """Return the file of the database at `url`.

    Raises:
        StoreError: it is no SQLite database, does not exist, or is of another version.
    """
    engine = connect_existing(url, read_only=True, even_unwritable=True)  # of a dying disk, too
    engine.dispose()
    if engine.dialect.name != "sqlite" or not engine.url.database:
        raise StoreError(
            f"{engine.dialect.name} has its own tools for a backup (pg_dump); copy the data directory "
            "beside it"
        )
    return Path(engine.url.database)


def take(database: Path, copy: Path) -> None:
    """Write the database as it is at this moment to `copy`, a file without journal beside it.

    Raises:
        StoreError: the database cannot be read or is damaged, or there is no room.
    """
    copy.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(copy)) as target:
            with closing(sqlite3.connect(database, timeout=_WAIT_S)) as source:
                source.execute("PRAGMA query_only=ON")
                source.backup(target)  # in one step: of several, a write makes SQLite begin anew
            with target:
                target.execute("DELETE FROM browser_sessions")  # one that ended would open again
            target.execute("PRAGMA journal_mode=DELETE")
            problem = integrity_problem(target)
    except sqlite3.Error as error:
        raise StoreError(f"the database {database} cannot be copied: {error}") from error
    if problem:
        raise StoreError(
            f"the database {database} is damaged ({problem}); `{stetho('doctor')}` says what to do"
        )


def integrity_problem(connection: sqlite3.Connection) -> str:
    """Return the first problem that SQLite finds in a database, nothing where it is whole."""
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return "" if found == "ok" else str(found).splitlines()[-1]


def forget_browser_sessions(copy: Path) -> None:
    """Delete from a snapshot what lets browsers in that are signed in now."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("DELETE FROM browser_sessions")


def audio_files(copy: Path) -> list[str]:
    """Return the paths of all WAV files that a snapshot names, below the data directory."""
    with closing(sqlite3.connect(copy)) as connection:
        return [name for (name,) in connection.execute("SELECT audio_file FROM recordings ORDER BY id")]


def forget(copy: Path, audio_files: list[str]) -> None:
    """Delete the recordings with these WAV files from a snapshot."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executemany("DELETE FROM recordings WHERE audio_file = ?", [(n,) for n in audio_files])


def still_named(database: Path, audio_files: list[str]) -> dict[str, bool]:
    """Return those of these WAV files that the database names at this moment: whether each must be there."""
    query = f"SELECT {KEEPS_AUDIO} FROM recordings WHERE audio_file = ?"  # noqa: S608 - a constant
    with closing(sqlite3.connect(database, timeout=_WAIT_S)) as connection:
        found = {name: connection.execute(query, (name,)).fetchone() for name in audio_files}
    return {name: bool(row[0]) for name, row in found.items() if row is not None}
