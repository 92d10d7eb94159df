"""Leases of several processes on a real server of PostgreSQL: shares, ends, losses; their fair share."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from conftest import wait_until
from sqlalchemy import create_engine, text

from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.database.store import Store
from edge_worker.errors import StoreError
from edge_worker.leases.fair_share import fair_share, surplus
from edge_worker.leases.shard_leases import (
    LeaseEvent,
    LeaseFault,
    ShardLeases,
    ShardsLeft,
    ShardsTaken,
    ShardVerified,
)
from edge_worker.protocol.sharing.shard import SHARDS

pytest_plugins = ["store_fixtures"]
ALL = set(range(SHARDS))


class Holder:
    """A process as its leases see it: holds what it is told to, and lets go at once."""

    def __init__(self, url: str, number: int, spool: Path) -> None:
        spool.mkdir(exist_ok=True)
        self.held: set[int] = set()
        self.lost: set[int] = set()
        self.verified: list[int] = []
        self.faults: list[str] = []
        self.busy: set[int] = set()
        self.lets_go = True
        self.store = Store.open(url)
        self.locks = ShardLocks(url, number)
        self.leases = ShardLeases(self.locks, self.store, spool, post=self._on_event, busy=lambda: self.busy)
        self.locks.connect()
        self.leases.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leases.stop()
        self.store.close()
        assert self.leases.failure is None

    def _on_event(self, event: LeaseEvent) -> None:
        match event:
            case ShardsTaken(shards):
                self.held |= shards
            case ShardsLeft(shards, is_lost):
                self.held -= shards
                self.lost |= shards if is_lost else set()
                if self.lets_go:
                    self.leases.free(shards)
            case ShardVerified(shard):
                self.verified.append(shard)
            case LeaseFault(fault):
                self.faults.append(fault)


@pytest.fixture
def holder(url: str, store: Store, tmp_path: Path) -> Iterator[Callable[[int, str], Holder]]:
    """Make a holder with a number, in the spool of a machine."""
    holders: list[Holder] = []

    def make(number: int, machine: str = "one") -> Holder:
        holders.append(Holder(url, number, tmp_path / machine))
        return holders[-1]

    yield make
    for each in holders:
        each.__exit__()


def end_connections(url: str) -> None:
    """End all sessions of a database, as a restart of the server does."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


def test_shares_add_up_and_idle_shards_move_first() -> None:
    for count in range(1, SHARDS + 1):
        members = range(3, 3 + count)
        shares = [fair_share(each, members) for each in members]
        assert (sum(shares), max(shares) - min(shares)) == (SHARDS, SHARDS % count > 0)
    assert fair_share(1, ()) == SHARDS  # its own lock is not seen yet
    assert surplus(ALL, set(range(30)), 16) >= {30, 31}
    assert len(surplus(ALL, ALL, 16)) == SHARDS // 2
    assert surplus({1, 2}, set(), 16) == frozenset()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_processes_share_the_shards_and_take_those_of_one_that_ends(
    holder: Callable[[int, str], Holder],
) -> None:
    first = holder(1, "one")
    wait_until(lambda: first.held == ALL, "all shards")
    second, third = holder(2, "one"), holder(3, "other")
    three = (first, second, third)
    wait_until(lambda: sorted(len(each.held) for each in three) == [10, 11, 11], "three shares")
    assert first.held | second.held | third.held == ALL
    third.locks.close()  # its connection ends with it, as after `kill -9`
    third.leases._stopping.set()
    began = time.monotonic()
    wait_until(lambda: first.held | second.held == ALL, "its shards")
    assert (len(first.held), len(second.held)) == (16, 16)
    assert not first.held & second.held
    assert time.monotonic() - began < 10
    second.leases.stop()
    wait_until(lambda: first.held == ALL, "all shards again")
    with pytest.raises(StoreError, match="STETHO_FIRST_PROCESS"):
        ShardLocks(str(first.locks._engine.url.render_as_string(hide_password=False)), 1).connect()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_shard_is_free_only_when_nobody_works_on_it(holder: Callable[[int, str], Holder]) -> None:
    first = holder(1, "one")
    wait_until(lambda: first.held == ALL, "all shards")
    first.lets_go = False
    first.busy = set(range(16))
    second = holder(2, "other")
    wait_until(lambda: first.held == set(range(16)), "the idle ones to be let go")
    time.sleep(0.6)  # two looks
    assert second.held == set()
    first.leases.free(range(16, SHARDS))
    wait_until(lambda: second.held == set(range(16, SHARDS)), "its share")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_holders_keep_their_shards_when_all_connections_end(
    holder: Callable[[int, str], Holder], url: str
) -> None:
    first, second = holder(1, "one"), holder(2, "other")
    wait_until(lambda: len(first.held) == len(second.held) == SHARDS // 2, "two shares")
    before = set(first.held), set(second.held)
    for _ in range(3):
        end_connections(url)
        first.leases.verify(min(first.held))
        wait_until(
            lambda: first.faults and first.faults[-1] == "" and second.faults[-1:] == [""], "the database"
        )
        first.faults.clear()
        second.faults.clear()
    assert second.held == before[1]
    # What the broker took from it while it had no lock may have been another's meanwhile.
    wait_until(lambda: first.held == before[0] and not second.held & first.held, "what was asked about")
    assert first.lost <= before[0]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_shard_that_is_asked_about_is_ours_as_long_as_the_lock_is(
    holder: Callable[[int, str], Holder], url: str
) -> None:
    first = holder(1, "one")
    wait_until(lambda: first.held == ALL, "all shards")
    first.leases.verify(7)
    wait_until(lambda: first.verified == [7], "the answer")
    assert first.lost == set()
    with create_engine(url).connect() as other:
        first.leases._stopping.set()
        first.leases.join()
        assert other.execute(text("SELECT pg_try_advisory_lock(1474756609, 7)")).scalar()
        first.leases = ShardLeases(
            first.locks, first.store, first.leases._spool, post=first._on_event, busy=set
        )
        first.leases._held = set(ALL)
        first.held = set(ALL)
        first.leases.start()
        wait_until(lambda: first.lost == {7}, "the one that another has")
        assert first.held == ALL - {7}
