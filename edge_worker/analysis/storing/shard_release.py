"""Release of shards: goes from thread to thread behind all work on them, and comes back when none is left."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_worker.protocol.sharing.held_shards import HeldShards


@dataclass(frozen=True, slots=True)
class ShardRelease:
    """Shards on which nobody works any more once `done` is called.

    Of shards that are lost, whose next holder has looked for work already, what was stored is still analysed.
    """

    shards: HeldShards
    done: Callable[[], None]
    are_lost: bool = False
