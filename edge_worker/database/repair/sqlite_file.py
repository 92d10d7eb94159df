"""The file of a SQLite database with its `-wal` and `-shm`: its identity, whether it is whole, its place."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_FOLDER: Final = "damaged"
_KEPT: Final = 3
_COMPANIONS: Final = ("", "-wal", "-shm")
_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_PAGE_SIZES: Final = tuple(2**power for power in range(9, 16))
_BUSY_MS: Final = 5000
_STEPS: Final = 20_000
"""Steps of SQLite's machine between two looks at the clock."""
DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
Identity = tuple[int, int] | None
"""Device and inode of a file; None: there is no file."""


def identity(path: Path) -> Identity:
    """Return which file lies at `path` now: another one has another identity."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_damage(error: BaseException | None) -> bool:
    """Return whether an error of SQLite says that the file is damaged, rather than locked or full."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in DAMAGED


def open_file(path: Path) -> sqlite3.Connection:
    """Return a connection to an existing file, for any one thread at a time."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False)
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    # What a bad block made of a text must not keep the rest of its row from being read.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


def keep_others_out(connection: sqlite3.Connection) -> None:
    """Let no other process write a damaged file until this is closed, where its state allows that."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if not is_damage(error):
            raise


def damage(path: Path, within_s: float = float("inf")) -> str:
    """Return what is wrong with the pages of a file, an empty text where nothing is.

    A check that takes longer than `within_s` seconds ends without a finding.
    """
    deadline = time.monotonic() + within_s
    try:
        with closing(open_file(path)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        return str(error) if is_damage(error) else ""
    return "" if found == "ok" else str(found).replace("\n", " ")


def restore_length(path: Path) -> None:
    """Make a file that was cut off as long as its header says: else SQLite reads nothing of it."""
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        page = int.from_bytes(header[16:18], "big")
        length = int.from_bytes(header[28:32], "big") * page
        if header.startswith(_MAGIC) and page in _PAGE_SIZES and path.stat().st_size < length:
            file.truncate(length)


def set_aside(path: Path) -> Path:
    """Move a database with its companions into `damaged/NAME-TIME/` beside it, where the newest three stay.

    Returns that folder. Raises:
        OSError: it cannot be moved.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    folder = path.with_name(_FOLDER) / f"{path.name}-{moment}"
    folder.mkdir(parents=True)
    for companion in _COMPANIONS:
        part = path.with_name(path.name + companion)
        if part.exists():
            part.rename(folder / part.name)
    for old in sorted(folder.parent.glob(f"{path.name}-*"))[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def put_in_place(draft: Path, path: Path) -> None:
    """Put a new file in the place of a database that was moved or deleted; its old companions go."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    for companion in _COMPANIONS[1:]:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    draft.replace(path)
