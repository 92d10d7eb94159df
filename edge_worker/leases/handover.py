"""Hand-over of shards from machine to machine: what is in the spool goes along, through the database.

What was let go in order arrives whole: open recordings and streams go on at the next holder as if nothing had
happened. Of a machine that is gone only the states of its streams are there, a few seconds old, and the names
of what it had not stored: the next holder asks the devices for it. Else nobody would ask for what was
complete, until the device reminds after 20 s.
"""

import logging
from collections.abc import Callable, Collection, Iterator
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
_UNSTORED: Final = ".unstored"
"""Ends the name of an empty file that only says that something is not stored."""


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

    def __init__(
        self,
        files: MovingFiles,
        spool: SpoolFiles,
        states: SharedStates,
        unstored: Callable[[], Collection[tuple[str, int]]],
    ) -> None:
        """`unstored` returns device and id of what is not stored yet."""
        self._files, self._spool, self._states, self._unstored = files, spool, states, unstored
        self._share_at = self._clean_at = 0.0
        self._named: set[tuple[str, str]] = set()
        """Names of what is not stored that others know, by device."""

    def give(self, shards: Collection[int]) -> None:
        """Give away what the spool has of shards that are still locked, and that nobody works on."""
        given = list(self._spool.names(HeldShards(shards)))
        for device_id, name in given:
            self._files.put([MovingFile(device_id, name, self._spool.read(device_id, name))], durably=True)
            self._spool.remove(device_id, name)
        if given:
            _LOG.info(line("files_given", files=len(given)))

    def receive(self, shards: Collection[int]) -> list[tuple[str, int]]:
        """Bring what came of shards that were just locked into the spool.

        Returns device and id of all that their last holder had not stored, also what did not come.
        """
        came = self._files.names(shards)
        names = [each for each in came if each[1].endswith(_UNSTORED)]
        files = [each for each in came if not each[1].endswith(_UNSTORED)]
        for device_id, name in files:
            self._spool.put(device_id, name, self._files.read(device_id, name))
            self._files.remove([(device_id, name)])
        self._files.remove(names)
        if files:
            _LOG.info(line("files_received", files=len(files)))
        return [(device_id, int(name.removesuffix(_UNSTORED), 16)) for device_id, name in names]

    def turn(self, held: Collection[int], now: float, *, has_others: bool) -> None:
        """Let other machines know states of streams, and what is not stored, of shards that are held."""
        self._states.is_wanted = has_others
        if now >= self._share_at:
            self._share_at = now + _SHARE_EVERY_S
            self._share(held, has_others=has_others)
        if now >= self._clean_at:
            self._clean_at = now + _CLEAN_EVERY_S
            self._files.remove_stored()

    def _share(self, held: Collection[int], *, has_others: bool) -> None:
        states = {
            (device, STATE_OF.format(stream)): state
            for (device, stream), state in self._states.take().items()
        }
        unstored = (
            {(device, f"{key:016x}{_UNSTORED}") for device, key in self._unstored()} if has_others else set()
        )
        new = states | dict.fromkeys(unstored - self._named, "")
        files = [MovingFile(*key, text.encode()) for key, text in new.items() if shard_of(key[0]) in held]
        if files:
            self._files.put(files)
        # Those of shards that are let go are for their next holder.
        self._files.remove([each for each in self._named - unstored if shard_of(each[0]) in held])
        self._named = {each for each in unstored if shard_of(each[0]) in held}
