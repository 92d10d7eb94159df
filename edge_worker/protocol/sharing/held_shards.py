"""Shards of one process: of whose devices it takes the messages, the spool, the recordings and the outbox."""

from dataclasses import dataclass
from typing import Final

from edge_worker.protocol.sharing.shard import shard_of

_DEVICE_LEVEL: Final = 3
"""Of a topic such as `stetho/v1/result/{device}`: all that a worker publishes for a device name it there."""


@dataclass(frozen=True, slots=True)
class HeldShards:
    """The shards of one process: those whose number leaves its own as the remainder."""

    process: int = 1
    """Its number, from 1."""
    processes: int = 1

    def holds(self, device_id: str) -> bool:
        """Return whether a device belongs to this process."""
        return shard_of(device_id) % self.processes == self.process - 1

    def file(self, name: str) -> str:
        """Return the name of a file that each process has for itself; `name` for the first."""
        stem, dot, end = name.rpartition(".")
        return name if self.process == 1 else f"{stem}-{self.process}{dot}{end}"

    def publishes(self, topic: str) -> bool:
        """Return whether messages on `topic` are for this process to publish."""
        levels = topic.split("/")
        return self.holds(levels[_DEVICE_LEVEL] if len(levels) > _DEVICE_LEVEL else "")


ALL_SHARDS: Final = HeldShards()
"""Those of a worker that is one process."""
