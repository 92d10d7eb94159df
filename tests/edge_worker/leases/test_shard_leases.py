"""Leases of several processes on a real server of PostgreSQL: shares, ends, losses; their fair share."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import wait_until
from lease_holder import ALL, Holder
from sqlalchemy import Connection, create_engine, text
from stored_results import result_of, store_recording

from edge_worker.database.sharing.moving_files import MovingFile, MovingFiles
from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.database.store import Store
from edge_worker.errors import SpoolError, StoreError
from edge_worker.ingest.spool_transfer import SpoolTransfer
from edge_worker.leases import fair_share as sharing
from edge_worker.leases import standstill
from edge_worker.leases.fair_share import fair_share, surplus
from edge_worker.leases.handover import STATE_OF
from edge_worker.protocol.sharing.shard import SHARDS, shard_of

pytest_plugins = ["store_fixtures", "lease_fixtures"]


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
    third.die()
    began = time.monotonic()
    wait_until(lambda: first.held | second.held == ALL, "its shards")
    assert (len(first.held), len(second.held)) == (16, 16)
    assert not first.held & second.held
    assert time.monotonic() - began < 10
    second.leases.stop()
    wait_until(lambda: first.held == ALL, "all shards again")
    with pytest.raises(StoreError, match="STETHO_FIRST_PROCESS"):
        ShardLocks(str(first.locks._engine.url.render_as_string(hide_password=False)), 1, machine=1).connect()


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
        first.leases = first.new_leases()
        first.leases._held = set(ALL)
        first.held = set(ALL)
        first.leases.start()
        wait_until(lambda: first.lost == {7}, "the one that another has")
        assert first.held == ALL - {7}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_one_of_a_machine_held_is_left_to_the_others_of_it(
    holder: Callable[[int, str], Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = holder(1, "one"), holder(2, "one")
    third = holder(3, "other")
    three = (first, second, third)

    def three_shares() -> dict[int, int]:
        return {shard: each.locks.number for each in three for shard in each.held}

    wait_until(lambda: sorted(len(each.held) for each in three) == [10, 11, 11], "three shares")
    theirs = set(third.held)
    wait_until(lambda: all(each.seen() == three_shares() for each in three), "all to have seen that")
    second.die()
    wait_until(lambda: first.held == ALL - theirs, "the shards of its neighbour")
    assert third.held == theirs
    monkeypatch.setattr(sharing, "_EVEN_AFTER_S", 0.0)
    first.leases._shares._even_at = 0.0
    wait_until(lambda: len(third.held) == len(first.held) == SHARDS // 2, "what is fair, as it stays away")


def device_of_shard(shard: int) -> str:
    return next(name for number in range(10_000) if shard_of(name := f"st-{number}") == shard)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_spool_goes_along_to_another_machine(
    holder: Callable[[int, str], Holder], tmp_path: Path, url: str
) -> None:
    names = [
        "00000000000000aa.chunks",
        "00000000000000bb.stream/000003.chunks",
        "00000000000000bb.stream/state.json",
    ]
    contents = [b"STSPOOL1" + bytes(8) + b"first", b"STSPOOL1" + bytes(8) + b"sound", b'{"position":7}']
    first = holder(1, "one")
    wait_until(lambda: first.held == ALL, "all shards")
    devices = [device_of_shard(shard) for shard in range(SHARDS)]
    for device in devices:
        transfer = SpoolTransfer(first.spool)
        for name, content in zip(names, contents, strict=True):
            transfer.put(device, name, content)
    (first.spool / devices[0] / "notes.txt").write_text("not ours")
    second = holder(3, "other")
    wait_until(lambda: len(first.held) == len(second.held) == SHARDS // 2, "two shares")
    for device in devices:
        here, there = first.spool / device, second.spool / device
        if shard_of(device) in first.held:
            here, there = there, here
        assert [(there / name).read_bytes() for name in names] == contents
        assert not any((here / name).exists() for name in names)
    assert (first.spool / devices[0] / "notes.txt").exists()

    # A state of a stream is there for others before the stream is let go.
    device = devices[min(second.held)]
    wait_until(lambda: second.states.is_wanted, "the other machine to be seen")
    second.states.put(device, "00000000000000cc", '{"position":9}')
    engine = create_engine(url)
    query = text("SELECT content FROM moving_files WHERE device_id = :device")

    def shared() -> list[bytes]:
        with engine.connect() as connection:
            return [bytes(row[0]) for row in connection.execute(query, {"device": device})]

    wait_until(lambda: shared() == [b'{"position":9}'], "the state")
    second.die()
    wait_until(lambda: first.held == ALL, "all shards again")
    assert (first.spool / device / "00000000000000cc.stream" / "state.json").read_bytes() == b'{"position":9}'
    assert shared() == []
    engine.dispose()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_who_takes_over_from_another_machine_knows_what_that_had_not_stored(
    holder: Callable[[int, str], Holder], store: Store, url: str
) -> None:
    first, second = holder(1, "one"), holder(3, "other")
    wait_until(lambda: len(first.held) == len(second.held) == SHARDS // 2, "two shares")
    theirs, ours = device_of_shard(min(second.held)), device_of_shard(min(first.held))
    engine = create_engine(url)

    def shared() -> set[tuple[str, int]]:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT device_id, name FROM moving_files"))
            return {(device, int(name.removesuffix(".unstored"), 16)) for device, name in rows}

    second.unstored = {(theirs, number) for number in (1, 2, 3)}
    first.unstored = {(ours, 4)}
    wait_until(lambda: shared() == second.unstored | first.unstored, "the names")
    second.unstored = {(theirs, 1), (theirs, 2)}  # the third was given up, and has no row
    wait_until(lambda: (theirs, 3) not in shared(), "one name less")
    store_recording(store, result_of(2, theirs))
    second.die()
    wait_until(lambda: first.held == ALL, "all shards")
    assert first.asked == [(theirs, 1)]
    assert (theirs, 1) not in shared()
    engine.dispose()


def test_files_that_meet_older_ones_are_joined_to_them(tmp_path: Path) -> None:
    transfer = SpoolTransfer(tmp_path)
    stream = "00000000000000bb.stream"
    for content in (b"1", b"2"):
        transfer.put("st-1", "00000000000000aa.chunks", b"STSPOOL1" + bytes(8) + content)
        transfer.put("st-1", f"{stream}/000000.chunks", content)
    for position in (5, 9, 7):
        transfer.put("st-1", f"{stream}/state.json", json.dumps({"position": position}).encode())
    assert (tmp_path / "st-1" / "00000000000000aa.chunks").read_bytes().endswith(b"21")
    assert [(tmp_path / "st-1" / stream / f"00000{n}.chunks").read_bytes() for n in (0, 1)] == [b"1", b"2"]
    assert json.loads((tmp_path / "st-1" / stream / "state.json").read_text()) == {"position": 9}
    for name in ("../x.chunks", "00000000000000aa.txt"):
        with pytest.raises(SpoolError, match="no file of the spool"):
            transfer.put("st-1", name, b"")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_process_that_stands_still_loses_its_shards(
    holder: Callable[[int, str], Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "STANDS_STILL_S", 1.0)
    first, second = holder(1, "one"), holder(3, "other")
    wait_until(lambda: len(first.held) == len(second.held) == SHARDS // 2, "two shares")
    theirs = set(second.held)
    goes_on = threading.Event()
    second.on_busy = goes_on.wait
    wait_until(lambda: first.held == ALL, "the shards of one that stands still")
    goes_on.set()
    second.on_busy = lambda: None
    wait_until(lambda: second.lost == theirs, "its notice")
    wait_until(lambda: len(first.held) == len(second.held) == SHARDS // 2, "two shares again")
    assert not first.held & second.held


def test_a_look_after_a_pause_finds_nobody_standing_still() -> None:
    watch = standstill.Standstill()
    assert watch.look({1: "a", 2: "x"}, 0.0) == []
    for tenth in range(1, 101):
        assert watch.look({1: "a", 2: tenth}, tenth / 10) == []
    assert watch.look({1: "a", 2: "y"}, 10.1) == [1]
    assert watch.look({1: "a", 2: "y"}, 25.0) == []  # the database, or we, stood still
    assert watch.look({1: "b", 2: "y"}, 25.1) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_state_of_a_stream_that_is_stored_is_kept_no_longer(store: Store, url: str) -> None:
    result, locks = result_of(0), ShardLocks(url, 1, machine=1)
    store_recording(store, result)
    locks.connect()
    files = MovingFiles(locks)
    for name in (result.recording_id, "00000000000000ff"):
        files.put([MovingFile(result.device_id, STATE_OF.format(name), b"{}")])
    files.remove_stored()
    assert files.names(ALL) == [(result.device_id, STATE_OF.format("00000000000000ff"))]
    locks.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_only_what_exists_nowhere_else_waits_for_the_disk_of_the_server(store: Store, url: str) -> None:
    locks = ShardLocks(url, 1, machine=1)
    locks.connect()

    def setting(connection: Connection) -> str:
        return str(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())

    with locks.durably() as connection:
        assert setting(connection) == "on"
    with locks.using() as connection:
        assert setting(connection) == "off"
    locks.close()
