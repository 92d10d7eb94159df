"""Thread that deletes the oldest recordings when they exceed an age, or when the disk gets full."""

import logging
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from edge_worker.database.deletion import Deleted, RecordingDeletion
from edge_worker.errors import StoreError
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.telemetry.logfmt import line
from history_api.pictures.picture_cache import PictureCache
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 300.0
_PAUSE_S: Final = 0.2
"""Pause between two batches, so that the worker can write."""
_MIB: Final = 2**20


class Retention(threading.Thread):
    """Deletes recordings for good, oldest first and in small batches, by `keep_days` and `keep_free_mb`."""

    def __init__(self, settings: ApiSettings, deletion: RecordingDeletion) -> None:
        super().__init__(name="retention", daemon=True)
        self._settings = settings
        self._deletion = deletion
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the thread after the current batch, and wait for it."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Finish deletions that a crash interrupted, then apply the limits every five minutes."""
        is_finished = False
        while not self._stopping.is_set():
            try:
                is_finished = is_finished or self._deletion.remove_leftovers() >= 0
                self.apply_limits()
            except (
                StoreError,
                OSError,
            ) as error:  # no database yet, or a full or broken disk: try again later
                _LOG.warning(line("retention_waits", reason=error))
            self._stopping.wait(_EVERY_S)

    def apply_limits(self) -> None:
        """Delete recordings that are too old, then the oldest until enough space is free."""
        days, min_free = self._settings.keep_days, self._settings.keep_free_mb * _MIB
        if days:
            before = rfc3339(datetime.now(UTC) - timedelta(days=days))
            while self._continues(self._deletion.delete_oldest(before), "age"):
                pass
        # A batch that frees nothing ends it: something else fills the disk, and deleting more does not help.
        while min_free and _free_bytes(self._settings.data_dir) < min_free:
            deleted = self._deletion.delete_oldest()
            if not self._continues(deleted, "room") or not deleted.bytes:
                return

    def _continues(self, deleted: Deleted, reason: str) -> bool:
        """Log a batch and pause for the worker; return False if it was empty or the thread stops."""
        if deleted.recordings:
            PictureCache.from_settings(self._settings).clear()
            facts = {"recordings": deleted.recordings, "bytes": deleted.bytes}
            _LOG.info(line("retention", reason=reason, **facts))
        return deleted.recordings > 0 and not self._stopping.wait(_PAUSE_S)


def _free_bytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free
