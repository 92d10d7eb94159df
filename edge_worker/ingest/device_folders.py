"""Folders of devices in the spool that cannot be written: each holds up its own device, and no other.

A folder whose owner or mode was changed by hand refuses every chunk of its device, for as long as nobody
mends it. To keep those chunks waiting would keep the chunks of all devices waiting behind them; so they are
refused, and the device sends them again later.
"""

import errno
import logging
import os
import time
from pathlib import Path
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_OF_A_FOLDER: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EIO, errno.ELOOP, errno.ENOTDIR, errno.EISDIR}
)
"""Errors that may be of one folder; with any other, such as a full disk, all wait."""
_AGAIN_S: Final = 5.0
"""Advice to the device."""
_REMEMBERED_S: Final = 60.0
"""A folder counts as unwritable for so long after its last refusal."""


class DeviceFolders:
    """Which devices cannot be written for, and why. Used by the network thread."""

    def __init__(self, spool: Path) -> None:
        """Watch the folders of the devices below `spool`."""
        self._spool = spool
        self._refused: dict[str, tuple[str, float]] = {}
        """By device: the reason, and the monotonic time of the last refusal."""

    def refusal(self, device_id: str, recording_id: int, error: OSError, now: float) -> ChunkError:
        """Return what to answer a device whose chunk cannot be written.

        Raises:
            OSError: `error`, when it is not of this device's folder alone.
        """
        if error.errno not in _OF_A_FOLDER or not self._others_go_on():
            raise error
        folder = self._spool / device_id
        if device_id not in self._refused:
            _LOG.error(line("folder_refuses", device=device_id, reason=error))
        self._refused[device_id] = (f"{folder} cannot be written: {error.strerror}", now)
        return ChunkError(
            "quota", "the worker cannot write for this device", recording_id, retry_after_s=_AGAIN_S
        )

    def wrote(self, device_id: str) -> None:
        """Note that a chunk of a device was written."""
        if self._refused:
            self._refused.pop(device_id, None)

    def fault(self, now: float) -> str:
        """Return the reason of a folder that cannot be written now; empty: none is."""
        if not self._refused:
            return ""
        self._refused = {key: value for key, value in self._refused.items() if now - value[1] < _REMEMBERED_S}
        reasons = [reason for reason, _ in self._refused.values()]
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return f"{reasons[0]}{more}: its device is refused until you mend that" if reasons else ""

    def _others_go_on(self) -> bool:
        """Return whether a new device could be written for."""
        probe = self._spool / f".probe-{os.getpid()}-{time.monotonic_ns()}"
        try:
            probe.mkdir()
            probe.rmdir()
        except OSError:
            return False
        return True
