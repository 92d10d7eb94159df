"""Whether the worker of a data directory works, whatever broker and database do: it dates its lock file.

Who would start it again, such as Kubernetes, asks for that (`stetho health --live`): a new start is no help
to a worker whose broker is away.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_worker.directory_lock import is_locked
from edge_worker.upkeep.data_directory import LOCK, write_problem

_EVERY_S: Final = 20.0
_MISSED_AFTER_S: Final = 120.0
_NEVER: Final = (0.0, 0.0)


class Liveness:
    """The sign of a worker that works. Used by the one thread whose turns count."""

    def __init__(self, data_dir: Path | None) -> None:
        """Say it in `data_dir`; None: somebody else says it."""
        self._path = data_dir and data_dir / LOCK
        self._due_at = float("-inf")

    def is_due(self, now: float) -> bool:
        """Return whether it is to be said at `now`, monotonic seconds; cheap."""
        return self._path is not None and now >= self._due_at

    def say(self, now: float) -> None:
        """Say that the worker works."""
        if self._path is not None:
            self._due_at = now + _EVERY_S
            with suppress(OSError):  # who asks then finds that nobody can write there
                os.utime(self._path)


def begin(data_dir: Path) -> None:
    """Note that the worker starts: it has not worked yet."""
    with suppress(OSError):
        os.utime(data_dir / LOCK, _NEVER)


def problem(data_dir: Path) -> str:
    """Return why the worker of a data directory does not work, an empty text where it does."""
    path = data_dir / LOCK
    if not is_locked(path):
        return f"no worker runs in STETHO_DATA_DIR {data_dir}"
    said_at = path.stat().st_mtime
    silent_s = abs(time.time() - said_at)  # a clock that was set back tells nothing
    if silent_s < _MISSED_AFTER_S or write_problem(data_dir):
        return ""
    return (
        "the worker is starting"
        if not said_at
        else f"the worker has not said for {silent_s:.0f} s that it works"
    )
