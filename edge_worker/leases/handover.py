"""Hand-over of shards from machine to machine: what is in the spool goes along, through the database.

What was let go in order arrives whole: open recordings and streams go on at the next holder as if nothing had
happened. Of a machine that is gone only the states of its streams are there, a few seconds old.
"""

import logging
from collections.abc import Collection, Iterator
from typing import Final, Protocol

from edge_worker.database.sharing.moving_files import MovingFile, MovingFiles
from edge_worker.leases.shared_states import SharedStates
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.sharing.shard import shard_of
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_SHARE_EVERY_S: Final = 1.0
_CLEAN_EVERY_S: Final = 30.0
STATE_OF: Final = "{}.stream/state.json"
"""Name of the file with the state of a stream."""


class SpoolFiles(Protocol):
    """The spool of this machine; every method raises SpoolError where the disk refuses."""

    def names(self, shards: HeldShards) -> Iterator[tuple[str, str]]:
        """Yield device and name of the files of shards."""

    def read(self, device_id: str, name: str) -> bytes:
        """Return the content of a file."""

    def put(self, device_id: str, name: str, content: bytes) -> None:
        """Write a file that came, beside what is there."""

    def remove(self, device_id: str, name: str) -> None:
        """Delete a file."""


class Handover:
    """What moves with shards. Used by the thread of the leases; StoreError and SpoolError pass through."""

    def __init__(self, files: MovingFiles, spool: SpoolFiles, states: SharedStates) -> None:
        self._files, self._spool, self._states = files, spool, states
        self._share_at = self._clean_at = 0.0

    def give(self, shards: Collection[int]) -> None:
        """Give away what the spool has of shards that are still locked, and that nobody works on."""
        given = list(self._spool.names(HeldShards(shards)))
        for device_id, name in given:
            self._files.put([MovingFile(device_id, name, self._spool.read(device_id, name))])
            self._spool.remove(device_id, name)
        if given:
            _LOG.info(line("files_given", files=len(given)))

    def receive(self, shards: Collection[int]) -> None:
        """Bring what came of shards that were just locked into the spool."""
        came = self._files.names(shards)
        for device_id, name in came:
            self._spool.put(device_id, name, self._files.read(device_id, name))
            self._files.remove(device_id, name)
        if came:
            _LOG.info(line("files_received", files=len(came)))

    def turn(self, held: Collection[int], now: float, *, has_others: bool) -> None:
        """Let other machines have the states of the streams of shards that are held."""
        self._states.is_wanted = has_others
        if now >= self._share_at:
            self._share_at = now + _SHARE_EVERY_S
            states = self._states.take().items()
            new = [
                MovingFile(device_id, STATE_OF.format(stream), state.encode())
                for (device_id, stream), state in states
                if shard_of(device_id) in held
            ]
            if new:
                self._files.put(new)
        if now >= self._clean_at:
            self._clean_at = now + _CLEAN_EVERY_S
            self._files.remove_stored()
