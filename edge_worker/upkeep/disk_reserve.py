"""Reserve on the disk of the data directory: a file that is given up when the disk is full.

SQLite needs room even to delete, and a worker needs some to start and to stop. With the reserve a full site
goes on as far as to say so, to store what it has acknowledged, and to let retention make room.
"""

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import Final, Self

from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep.data_directory import DataDirectory

_LOG = logging.getLogger(__name__)
NAME: Final = "reserve"
_EVERY_S: Final = 1.0
_MIB: Final = 2**20
_SHARE: Final = 20
"""The reserve takes at most a twentieth of the disk."""
_LAST: Final = 4
"""The reserve is given up when less than this part of the least free space is left."""
_LEAST_FREE: Final = 8 * _MIB
"""Less free space than this, or than a tenth of a small disk, is none."""


class DiskReserve:
    """The reserve of one data directory. Used by one thread."""

    def __init__(self, directory: Path, size: int) -> None:
        """Reserve `size` bytes in `directory`, as far as that is a small part of the disk."""
        self._directory = directory
        self._data = DataDirectory(directory)
        self._path = directory / NAME
        self._size = size
        self._looked_at = float("-inf")
        self.problem = ""
        """What `keep` returned last."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the reserve that the settings ask for."""
        return cls(settings.data_dir, settings.reserve_mb * _MIB)

    def keep(self, now: float) -> str:
        """Give the reserve up on a full disk, make it again where there is room; looks once a second.

        Returns why the disk can take no more recordings, or an empty text; `now` is a monotonic time.

        Raises:
            StoreError: another directory of a worker lies there now.
        """
        if now - self._looked_at >= _EVERY_S:
            self._looked_at = now
            self.problem = self._data.problem()
            if self.problem:
                return self.problem
            with contextlib.suppress(OSError):  # a disk that cannot be read is found by those who need it
                usage = shutil.disk_usage(self._directory)
                has_room = self._keep(usage.total, usage.free)
                self.problem = "" if has_room else f"the disk of {self._directory} is full: make room"
        return self.problem

    def _keep(self, total: int, free: int) -> bool:
        """Return whether the disk has room for recordings."""
        least, size = least_free(total), min(self._size, total // _SHARE)
        # New recordings are refused before the reserve is given up, and until it is there again.
        if not self._path.exists():
            if size and free >= size + 2 * least // _LAST:
                self._make(size)
            return free >= least + size
        if free < least // _LAST:
            self._path.unlink(missing_ok=True)
            _LOG.error(line("reserve_used", file=self._path))
        return free >= least

    def _make(self, size: int) -> None:
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            self._path.unlink(missing_ok=True)
            _LOG.warning(line("reserve_refused", file=self._path, error=error))


def least_free(total: int) -> int:
    """Return how many bytes of a disk of `total` bytes have to be free for new recordings."""
    return min(_LEAST_FREE, 2 * total // _SHARE)
