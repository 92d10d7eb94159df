"""Data directory of a worker: whether it can be written, and is still the one that the worker began with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_worker.audio_store.sound import FOLDER
from edge_worker.database.repair.sqlite_file import identity
from edge_worker.database.repair.writable import open_problem, unwritable
from edge_worker.errors import StoreError

LOCK: Final = "worker.lock"
_FOLDERS: Final = ("spool", FOLDER)
_DATABASE: Final = "stetho.db*"


class DataDirectory:
    """The directory that a process works in, as long as it runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = identity(path)

    def problem(self) -> str:
        """Return why nothing can be stored there now, an empty text where it can.

        Raises:
            StoreError: another directory of a worker lies there now; a new start works in it.
        """
        if identity(self._path) == self._identity:
            return write_problem(self._path)
        if (self._path / LOCK).exists():
            raise StoreError(f"another disk is mounted at {self._path} than at the start: begin again there")
        return f"{self._path} is not the directory that this worker began with: mount its disk again"


def write_problem(path: Path) -> str:
    """Return why a worker cannot write in a data directory that exists, an empty text where it can."""
    return unwritable(_parts(path)) or open_problem(path / LOCK)


def _parts(path: Path) -> Iterator[Path]:
    yield path
    yield from (path / name for name in _FOLDERS if (path / name).exists())
    yield from path.glob(_DATABASE)
