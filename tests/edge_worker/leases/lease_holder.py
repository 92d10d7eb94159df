"""A process as its leases see it, on a real server of PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from edge_worker.database.sharing.moving_files import MovingFiles
from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.database.store import Store
from edge_worker.ingest.spool_transfer import SpoolTransfer
from edge_worker.leases.fair_share import Shares
from edge_worker.leases.handover import Handover
from edge_worker.leases.shard_leases import (
    LeaseEvent,
    LeaseFault,
    ShardLeases,
    ShardsLeft,
    ShardsTaken,
    ShardVerified,
)
from edge_worker.leases.shared_states import SharedStates
from edge_worker.protocol.sharing.shard import SHARDS

ALL = set(range(SHARDS))


class Holder:
    """A process as its leases see it: holds what it is told to, and lets go at once."""

    def __init__(self, url: str, number: int, spool: Path, *, hears: bool = True) -> None:
        spool.mkdir(exist_ok=True)
        self.held: set[int] = set()
        self.lost: set[int] = set()
        self.verified: list[int] = []
        self.faults: list[str] = []
        self.busy: set[int] = set()
        self.lets_go = True
        self.hears = hears
        """Whether it has the broker."""
        self.on_busy: Callable[[], object] = lambda: None
        """Called in each turn."""
        self.store = Store.open(url)
        self.locks = ShardLocks(url, number, machine=1 if spool.name == "one" else 3)
        self.spool = spool
        self.states = SharedStates()
        self.unstored: set[tuple[str, int]] = set()
        self.asked: list[tuple[str, int]] = []
        self.leases = self.new_leases()
        self.locks.connect()
        self.leases.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leases.stop()
        self.store.close()
        assert self.leases.failure is None

    def new_leases(self) -> ShardLeases:
        return ShardLeases(
            self.locks,
            self.store,
            self.spool,
            shares=Shares(self.locks.number, self.locks.machine),
            handover=Handover(
                MovingFiles(self.locks), SpoolTransfer(self.spool), self.states, lambda: self.unstored
            ),
            post=self._on_event,
            busy=self._busy,
            hears=lambda: self.hears,
        )

    def seen(self) -> dict[int, int]:
        """Return who holds each shard, as far as this one has seen."""
        return {shard: process for shard, (process, _) in list(self.leases._shares._last.items())}

    def die(self) -> None:
        """End as after `kill -9`: the connection ends, and what the spool has stays where it is."""
        self.leases._give_away = lambda shards: None  # type: ignore[method-assign]
        self.leases.stop()

    def _busy(self) -> set[int]:
        self.on_busy()
        return self.busy

    def _on_event(self, event: LeaseEvent) -> None:
        match event:
            case ShardsTaken(shards, unstored=unstored):
                self.held |= shards
                self.asked += unstored
            case ShardsLeft(shards, is_lost):
                self.held -= shards
                self.lost |= shards if is_lost else set()
                if self.lets_go:
                    self.leases.free(shards)
            case ShardVerified(shard):
                self.verified.append(shard)
            case LeaseFault(fault):
                self.faults.append(fault)
