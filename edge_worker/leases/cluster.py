"""What a process needs to take its share of the devices of a cluster."""

from dataclasses import dataclass

from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Cluster:
    """The settings of the site, whose account those of the shards are named after, and the locks."""

    settings: Settings
    locks: ShardLocks
