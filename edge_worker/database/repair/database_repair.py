"""Repair of the SQLite file of a worker, at its start and while it runs.

In this order: indexes are made again, which loses nothing; what can be read is copied into a new file, and
the damaged one stays beside it; a file of which nothing can be read is moved aside for a new one.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from edge_worker.database.repair import sqlite_file
from edge_worker.database.repair.salvage import Salvaged, copy_readable
from edge_worker.database.repair.turn import turn_in
from edge_worker.errors import DatabaseDamagedError, DatabaseGoneError, StoreError
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_CHECK_WITHIN_S: Final = 5.0
"""At a start; what a longer check would find is mended when it is met."""
_PAUSE_S: Final = 30.0
_DRAFT: Final = ".repaired"


class DatabaseRepair:
    """The SQLite file that one worker writes, and its repair; every method may raise StoreError."""

    def __init__(self, path: Path | None, *, is_ours: bool) -> None:
        """Watch over `path`; None: another database, of which others take care.

        Unless the file `is_ours`, because no URL names it, an unreadable one is left where it is.
        """
        self._path = path
        self._is_ours = is_ours
        self._anchor: sqlite3.Connection | None = None
        """Keeps a deleted file readable."""
        self._home: sqlite_file.Identity = None
        """The directory that the file was opened in; another disk may be mounted there now, or none."""
        self._has_lost_rows = False
        self._lock = threading.Lock()
        self._mended_at = 0.0
        """Monotonic time; whoever met the damage before has nothing to repair."""
        self._refused_until = 0.0
        """Monotonic time of the next try after one that failed."""

    def make_usable(self) -> None:
        """Mend the file before it is opened."""
        if self._path is None:
            return
        with _refusing(self._path), turn_in(self._path.parent):
            if not self._path.exists() or not self._path.stat().st_size:
                self._has_lost_rows = True  # its recordings may still lie in their folder
            elif problem := sqlite_file.damage(self._path, _CHECK_WITHIN_S):
                self._mend(self._path, problem)

    def hold(self) -> None:
        """Keep the file of this moment readable, even when it is deleted."""
        self.close()
        if self._path is not None:
            with _refusing(self._path):
                self._anchor = sqlite_file.open_file(self._path)
                self._home = sqlite_file.identity(self._path.parent)
                self._anchor.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the WAL, too

    def close(self) -> None:
        """Let the file go."""
        if self._anchor is not None:
            self._anchor.close()

    def mend(self, error: Exception, make_tables: Callable[[], None]) -> None:
        """Repair the file that is damaged, or write it again where it was deleted; it may be empty then.

        Safe from any thread: several meet the damage at once, and one of them repairs it.
        """
        if self._path is None or not isinstance(error, (DatabaseGoneError, DatabaseDamagedError)):
            return
        came_at = time.monotonic()
        with self._lock:
            if came_at < max(self._refused_until, self._mended_at):
                return
            if self._home != sqlite_file.identity(self._path.parent):
                return  # its disk is gone, and comes back
            self._refused_until = time.monotonic() + _PAUSE_S
            with _refusing(self._path), turn_in(self._path.parent):
                if isinstance(error, DatabaseGoneError):
                    self._restore(self._path)
                else:
                    self._mend(self._path, str(error.__cause__ or error))
                make_tables()
            self._refused_until, self._mended_at = 0.0, time.monotonic()

    @property
    def has_lost_rows(self) -> bool:
        """Whether recordings may have lost their rows, which nobody took notice of yet."""
        return self._has_lost_rows

    def take_lost_rows(self) -> bool:
        """Return whether recordings may have lost their rows since the last call."""
        lost, self._has_lost_rows = self._has_lost_rows, False
        return lost

    def _restore(self, path: Path) -> None:
        """Write a database that was deleted into a new file of its name; nothing is lost."""
        if self._anchor is None or path.exists():
            return
        draft = _new_draft(path)
        try:
            self._anchor.execute("VACUUM INTO ?", (str(draft),))
        except sqlite3.Error as error:
            if not sqlite_file.is_damage(error):
                raise
            self._has_lost_rows = True
            self._salvage(self._anchor, _new_draft(path))
        sqlite_file.put_in_place(draft, path)
        _LOG.error(line("database_restored", file=path, reason="it was deleted while in use"))

    def _mend(self, path: Path, problem: str) -> None:
        """Repair a damaged file as well as possible."""
        if _reindexed(path):
            _LOG.error(line("database_repaired", file=path, how="indexes made again", reason=problem))
            return
        draft = _new_draft(path)
        sqlite_file.restore_length(path)
        with closing(sqlite_file.open_file(path)) as damaged:
            sqlite_file.keep_others_out(damaged)  # what they write now would not be copied
            salvaged = self._salvage(damaged, draft)
            aside = sqlite_file.set_aside(path)
            sqlite_file.put_in_place(draft, path)
        self._has_lost_rows = salvaged is None or not salvaged.is_whole
        if salvaged is None:
            how = "nothing of it could be read: a new one begins, make keys again"
        elif salvaged.is_whole:
            how = "all rows were copied into a new file"
        else:
            how = f"what could be read was copied, {salvaged.rows.get('recordings', 0)} recordings"
        _LOG.error(line("database_repaired", file=path, damaged=aside, how=how, reason=problem))

    def _salvage(self, damaged: sqlite3.Connection, draft: Path) -> Salvaged | None:
        """Copy what can be read into `draft`; return what that was, None: nothing, and it is empty."""
        try:
            with closing(sqlite3.connect(draft)) as new:
                return copy_readable(damaged, new)
        except sqlite3.Error as error:
            if not (sqlite_file.is_damage(error) and self._is_ours):
                raise
        draft.unlink(missing_ok=True)
        draft.touch()
        return None


def _reindexed(path: Path) -> bool:
    """Make all indexes again; return whether the file is whole then."""
    try:
        with closing(sqlite_file.open_file(path)) as connection:
            connection.execute("REINDEX")
    except sqlite3.Error as error:
        if not sqlite_file.is_damage(error):
            raise
        return False
    return not sqlite_file.damage(path)


def _new_draft(path: Path) -> Path:
    draft = path.with_name(path.name + _DRAFT)
    draft.unlink(missing_ok=True)
    return draft


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Raise StoreError where disk or database refuse a repair."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the database {path} cannot be repaired: {error}") from error
