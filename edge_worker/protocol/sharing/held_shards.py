"""Shards of one process: of whose devices it takes the messages, the spool, the recordings and the outbox."""

from collections.abc import Iterable
from typing import Final, Self

from edge_worker.protocol.sharing.shard import SHARDS, shard_of

_DEVICE_LEVEL: Final = 3
"""Of a topic such as `stetho/v1/result/{device}`: all that a worker publishes for a device name it there."""


class HeldShards:
    """The shards of one process. The network thread changes them; others may ask at any time."""

    def __init__(self, shards: Iterable[int] = range(SHARDS), process: int = 1) -> None:
        """Hold these `shards`; `process` is the number of the process, from 1."""
        self._held = frozenset(shards)
        self._unheard: frozenset[int] = frozenset()
        self._process = process

    @classmethod
    def fixed(cls, process: int, processes: int) -> Self:
        """Return those of one of several processes: whose number leaves its own as the remainder."""
        return cls((shard for shard in range(SHARDS) if shard % processes == process - 1), process)

    @property
    def numbers(self) -> frozenset[int]:
        """Those that are held."""
        return self._held

    def holds(self, device_id: str) -> bool:
        """Return whether a device belongs to this process."""
        return shard_of(device_id) in self._held

    def hears(self, device_id: str) -> bool:
        """Return whether the messages of a device arrive: one that is not heard is not silent."""
        return not self._unheard or shard_of(device_id) not in self._unheard

    def take(self, shards: Iterable[int]) -> None:
        """Hold these, too; nothing is heard of them yet."""
        new = frozenset(shards)
        self._unheard |= new
        self._held |= new

    def drop(self, shards: Iterable[int]) -> None:
        """Hold these no longer."""
        self._held -= frozenset(shards)
        self._unheard &= self._held

    def set_heard(self, shard: int, *, is_heard: bool) -> None:
        """Note whether the messages of a shard arrive."""
        self._unheard = self._unheard - {shard} if is_heard else self._unheard | {shard}

    def file(self, name: str) -> str:
        """Return the name of a file that each process has for itself; `name` for the first."""
        stem, dot, end = name.rpartition(".")
        return name if self._process == 1 else f"{stem}-{self._process}{dot}{end}"

    def publishes(self, topic: str) -> bool:
        """Return whether messages on `topic` are for this process to publish."""
        levels = topic.split("/")
        return self.holds(levels[_DEVICE_LEVEL] if len(levels) > _DEVICE_LEVEL else "")


ALL_SHARDS: Final = HeldShards()
"""Those of a worker that is one process."""
