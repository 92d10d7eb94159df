"""Log of the starts of a worker that no orderly stop followed: one that crashes again and again says so.

A file in the data directory, because a worker may crash before it can write the database.
"""

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Final

from edge_worker.protocol import strict_json

_WITHIN_S: Final = 600.0
_CRASHES: Final = 3
"""So many within `_WITHIN_S` are a fault."""
_MOST: Final = 20


class StartLog:
    """Starts within the last ten minutes that no orderly stop followed, this one included."""

    def __init__(self, path: Path) -> None:
        """Note a start of this process in the file `path`."""
        self._path = path
        self._starts = [at for at in _read(path) if 0 <= time.time() - at < _WITHIN_S][-_MOST:]
        self._write([*self._starts, time.time()])

    def stopped(self) -> None:
        """Note that this process stops in order."""
        self._write(self._starts)

    def warning(self) -> str:
        """Return the sentence for the operator of a worker that crashed repeatedly, else an empty text."""
        crashes = sum(time.time() - at < _WITHIN_S for at in self._starts)
        if crashes < _CRASHES:
            return ""
        return f"this worker ended unexpectedly {crashes} times in the last 10 minutes: see its log"

    def _write(self, starts: list[float]) -> None:
        draft = self._path.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk must not keep it from starting
            draft.write_text(strict_json.write(starts))
            os.replace(draft, self._path)  # noqa: PTH105 the atomic one, by name


def _read(path: Path) -> list[float]:
    try:
        return [float(at) for at in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError, RecursionError):
        return []
