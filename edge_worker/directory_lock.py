"""Lock of a directory: one process at a time works there."""

import fcntl
from pathlib import Path
from typing import Final, TextIO

from edge_worker.errors import SettingsError

DATABASE_LOCK: Final = ".lock"
"""Of a SQLite file: the end of the name of its lock file, beside it."""


def lock_directory(path: Path, refusal: str) -> TextIO:
    """Return the lock file `path`, which is locked as long as it is open.

    The operating system releases the lock when the process ends, however it ends.

    Raises:
        SettingsError: another process holds the lock (the message is `refusal`), or it cannot be opened.
    """
    try:
        file = path.open("a")
    except OSError as error:
        problem = f"{path} cannot be opened ({error.strerror}): let this user write there"
        raise SettingsError(refusal if is_locked(path) else problem) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SettingsError(refusal) from error
    return file


def is_locked(path: Path) -> bool:
    """Return whether another process holds the lock file `path`, also where nobody can write."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
