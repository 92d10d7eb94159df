"""Which recordings go when the disk gets full: the oldest of those devices that filled it, and no more.

A device filled the disk with what it stored since there was last enough room. Each pays with its own oldest
recordings, the largest first, and with no more bytes than it added: what one device does costs no other one
anything. What other programs fill costs no recordings, unless the settings say so.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_worker.database.deletion import Deleted, RecordingDeletion
from edge_worker.database.site_state.site_facts import ROOM
from edge_worker.database.site_state.site_state import SiteState
from history_api.settings import ApiSettings

_MIB: Final = 2**20


class RoomLimit:
    """The limit `STETHO_KEEP_FREE_MB` of one site."""

    def __init__(self, settings: ApiSettings, deletion: RecordingDeletion, state: SiteState) -> None:
        self._settings = settings
        self._min_free = settings.keep_free_mb * _MIB
        self._deletion = deletion
        self._state = state

    def apply(self) -> Iterator[Deleted]:
        """Delete until there is enough room, yielding each batch; then note what was stored up to now."""
        if self._needed() > 0:
            batches = self._of_all() if self._settings.keep_free_from == "all" else self._of_causes()
            yield from batches
        needed = self._needed()
        self._state.save_fact(ROOM, {"last_row": self._deletion.last_row(), "held": self._sentence(needed)})

    def _of_all(self) -> Iterator[Deleted]:
        while (needed := self._needed()) > 0:
            deleted = self._deletion.delete_oldest(needed)
            yield deleted
            if not deleted.bytes:  # deleting more does not help
                return

    def _of_causes(self) -> Iterator[Deleted]:
        last_row = self._state.fact(ROOM).get("last_row", 0)
        added = self._deletion.bytes_stored_after(last_row)
        while added and (needed := self._needed()) > 0:
            device = max(added, key=lambda each: added[each])
            deleted = self._deletion.delete_oldest(min(needed, added[device]), device)
            yield deleted
            added[device] -= deleted.bytes
            if added[device] <= 0 or not deleted.bytes:
                del added[device]

    def _needed(self) -> int:
        """Return the bytes that are missing for the limit; 0 or less: there is enough room."""
        return self._min_free - _free_bytes(self._settings.data_dir)

    def _sentence(self, needed: int) -> str:
        if needed <= 0:
            return ""
        missing = f"{needed / _MIB:.0f} MiB are missing for STETHO_KEEP_FREE_MB={self._settings.keep_free_mb}"
        if self._settings.keep_free_from == "all":
            return f"{missing}, and deleting recordings makes no room; make room by hand"
        return (
            f"{missing}, and no device has filled the disk with recordings; make room by hand, or set "
            "STETHO_KEEP_FREE_FROM=all to delete the oldest recordings of all devices"
        )


def _free_bytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free
