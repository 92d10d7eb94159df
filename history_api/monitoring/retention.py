"""How long recordings are kept: the oldest go when they are too old, or when the disk gets full."""

import logging
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from edge_worker.database.review import Curation, Deleted
from edge_worker.errors import StoreError
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.telemetry.logfmt import line
from history_api.pictures.picture_cache import PictureCache
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 300.0
_PAUSE_S: Final = 0.2
"""Between two batches: the worker writes, too."""
_MIB: Final = 2**20


class Retention(threading.Thread):
    """Deletes for good what is not to be kept, oldest first, in small batches, until it is stopped."""

    def __init__(self, settings: ApiSettings, curation: Curation) -> None:
        super().__init__(name="retention", daemon=True)
        self._settings = settings
        self._curation = curation
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Finish what a crash left, then look every few minutes."""
        is_finished = False
        while not self._stopping.is_set():
            try:
                is_finished = is_finished or self._curation.finish() >= 0
                self.round()
            except (StoreError, OSError) as error:  # no database yet, or a full or broken disk: the next time
                _LOG.warning(line("retention_waits", reason=error))
            self._stopping.wait(_EVERY_S)

    def round(self) -> None:
        """Delete all that is too old, then the oldest until there is room."""
        days, room = self._settings.keep_days, self._settings.keep_free_mb * _MIB
        if days:
            before = rfc3339(datetime.now(UTC) - timedelta(days=days))
            while self._went_on(self._curation.delete_oldest(before), "age"):
                pass
        # A batch that frees nothing is the last: something else fills the disk, and the rest is no help.
        while room and _free(self._settings.data_dir) < room:
            deleted = self._curation.delete_oldest()
            if not self._went_on(deleted, "room") or not deleted.bytes:
                return

    def _went_on(self, deleted: Deleted, reason: str) -> bool:
        """Log a batch and give the worker time; False when it was empty or it is time to stop."""
        if deleted.recordings:
            PictureCache.of(self._settings).clear()
            facts = {"recordings": deleted.recordings, "bytes": deleted.bytes}
            _LOG.info(line("retention", reason=reason, **facts))
        return deleted.recordings > 0 and not self._stopping.wait(_PAUSE_S)


def _free(directory: Path) -> int:
    return shutil.disk_usage(directory).free
