"""Spare files: empty ones that were used before, for recordings to come.

A file that is deleted slows the making of others down: ext4 uses its number again after minutes, and looks at
all that wait so for each new file. With 100 recordings every few seconds making a file took 280 µs, and with
spare files 13 µs; that of a WAV file, which is not deleted, too.
"""

import contextlib
import os
from collections import deque
from itertools import count
from pathlib import Path
from typing import Final

_NAME: Final = ".spare-"
_MOST: Final = 256
"""With more they are deleted: so many recordings are seldom stored before others begin."""


class SpareFiles:
    """Hidden files in one folder, on which nothing depends. Safe from any thread."""

    def __init__(self, folder: Path) -> None:
        """Delete those that earlier processes left in `folder`."""
        self._folder = folder
        self._names = count()
        self._free: deque[str] = deque()
        with contextlib.suppress(OSError):
            for path in folder.glob(f"{_NAME}*"):
                path.unlink(missing_ok=True)

    def keep(self, path: Path) -> None:
        """Remove a file that nobody needs, or that is gone already."""
        if len(self._free) < _MOST:
            spare = f"{self._folder}/{_NAME}{os.getpid()}-{next(self._names)}"
            with contextlib.suppress(OSError):
                os.truncate(path, 0)
                os.rename(path, spare)  # noqa: PTH104 - in a spool each call counts
                self._free.append(spare)
                return
        path.unlink(missing_ok=True)

    def put_at(self, path: Path) -> None:
        """Move a spare file to `path`, instead of a file there; where that fails nothing is there."""
        try:
            spare = self._free.popleft()
        except IndexError:
            return
        try:
            os.rename(spare, path)  # noqa: PTH104 - likewise
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(spare)  # noqa: PTH108 - likewise
