"""Thread that deletes the oldest recordings when they exceed an age, or when the disk gets full."""

import logging
import threading
import time
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.database.deletion import Deleted, RecordingDeletion
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.database.site_state.sound_claim import SoundClaim
from edge_worker.errors import StoreError
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep.disk_reserve import DiskReserve
from history_api.monitoring.age_limit import AgeLimit, AgeUncertainError
from history_api.monitoring.orphan_sweep import OrphanSweep
from history_api.monitoring.room_limit import RoomLimit
from history_api.pictures.picture_cache import PictureCache
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 300.0
_RETRY_S: Final = 15.0
"""After a limit could not be applied: a clock may be right again, or a disk have room."""
_PAUSE_S: Final = 0.2
"""Pause between two batches, so that the worker can write."""


class Retention(threading.Thread):
    """Deletes recordings for good, oldest first and in small batches, by `keep_days` and `keep_free_mb`."""

    def __init__(self, settings: ApiSettings, deletion: RecordingDeletion, audio: AudioStore) -> None:
        super().__init__(name="retention", daemon=True)
        self._settings = settings
        self._deletion = deletion
        state = SiteState(settings.database)
        self._age = AgeLimit(settings.keep_days, deletion, state)
        self._room = RoomLimit(settings, deletion, state)
        self._claim = SoundClaim(settings, audio)
        self._orphans = OrphanSweep(settings.database, deletion, audio, settings.data_dir / "spool")
        self._said_at = float("-inf")
        """When the log last had the reason why nothing is deleted by age, monotonic seconds."""
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the thread after the current batch, and wait for it."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Finish deletions that a crash interrupted, and apply the limits every five minutes."""
        while not self._stopping.is_set():
            try:
                DiskReserve.from_settings(self._settings).keep(time.monotonic())  # deleting needs room, too
                self._claim.require()  # whose sounds these are: nothing of another site is moved or deleted
                self._sweep()
                is_applied = self.apply_limits()
            except (
                StoreError,
                OSError,
            ) as error:  # no database yet, or a full or broken disk: try again later
                _LOG.warning(line("retention_waits", reason=error))
                is_applied = False
            self._stopping.wait(_EVERY_S if is_applied else _RETRY_S)

    def _sweep(self) -> None:
        """Remove files of deleted recordings, and move those aside that belong to none."""
        if self._orphans.is_due and (moved := self._orphans.sweep()):
            _LOG.warning(line("orphans_moved", files=moved))

    def apply_limits(self) -> bool:
        """Delete recordings that are too old, then what fills the disk until enough space is free.

        Return whether the limits could be applied.
        """
        is_applied = not self._settings.keep_days or self._apply_age()
        if self._settings.keep_free_mb:
            for deleted in self._room.apply():
                if self._is_last(deleted, "room"):
                    break
        return is_applied

    def _apply_age(self) -> bool:
        try:
            before = self._age.oldest_kept()
        except AgeUncertainError as error:
            if time.monotonic() - self._said_at >= _EVERY_S:
                self._said_at = time.monotonic()
                _LOG.warning(line("retention_waits", reason=error))
            return False
        deleted = self._deletion.delete_received_before(before)
        while deleted.recordings and not self._is_last(deleted, "age"):
            deleted = self._deletion.delete_received_before(before)
        return True

    def _is_last(self, deleted: Deleted, reason: str) -> bool:
        """Log a batch and pause for the worker; return True if the thread stops."""
        if deleted.recordings:
            PictureCache.from_settings(self._settings).clear()
            facts = {"recordings": deleted.recordings, "bytes": deleted.bytes}
            _LOG.info(line("retention", reason=reason, **facts))
        return self._stopping.wait(_PAUSE_S)
