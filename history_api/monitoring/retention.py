"""Thread that deletes the oldest recordings when they exceed an age, or when the disk gets full."""

import logging
import threading
import time
from typing import Final

from edge_worker.database.deletion import Deleted, RecordingDeletion
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.errors import StoreError
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep.disk_reserve import DiskReserve
from history_api.monitoring.age_limit import AgeLimit, AgeUncertainError
from history_api.monitoring.room_limit import RoomLimit
from history_api.pictures.picture_cache import PictureCache
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 300.0
_AGAIN_S: Final = 15.0
"""After an error."""
_PAUSE_S: Final = 0.2
"""Pause between two batches, so that the worker can write."""


class Retention(threading.Thread):
    """Deletes recordings for good, oldest first and in small batches, by `keep_days` and `keep_free_mb`."""

    def __init__(self, settings: ApiSettings, deletion: RecordingDeletion) -> None:
        super().__init__(name="retention", daemon=True)
        self._settings = settings
        self._deletion = deletion
        state = SiteState(settings.database)
        self._age = AgeLimit(settings.keep_days, deletion, state)
        self._room = RoomLimit(settings, deletion, state)
        self._reserve = DiskReserve.from_settings(settings)
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
            pause_s = _EVERY_S
            try:
                self._reserve.keep(time.monotonic())  # deleting needs room, too
                is_finished = is_finished or self._deletion.remove_leftovers() >= 0
                self.apply_limits()
            except (
                StoreError,
                OSError,
            ) as error:  # no database yet, or a full or broken disk: try again later
                _LOG.warning(line("retention_waits", reason=error))
                pause_s = _AGAIN_S
            self._stopping.wait(pause_s)

    def apply_limits(self) -> None:
        """Delete recordings that are too old, then what fills the disk until enough space is free."""
        if self._settings.keep_days:
            self._apply_age()
        if self._settings.keep_free_mb:
            for deleted in self._room.apply():
                if self._is_last(deleted, "room"):
                    return

    def _apply_age(self) -> None:
        try:
            before = self._age.oldest_kept()
        except AgeUncertainError as error:
            _LOG.warning(line("retention_waits", reason=error))
            return
        deleted = self._deletion.delete_received_before(before)
        while deleted.recordings and not self._is_last(deleted, "age"):
            deleted = self._deletion.delete_received_before(before)

    def _is_last(self, deleted: Deleted, reason: str) -> bool:
        """Log a batch and pause for the worker; return True if the thread stops."""
        if deleted.recordings:
            PictureCache.from_settings(self._settings).clear()
            facts = {"recordings": deleted.recordings, "bytes": deleted.bytes}
            _LOG.info(line("retention", reason=reason, **facts))
        return self._stopping.wait(_PAUSE_S)
