"""A SQLite file that is damaged, deleted or replaced: what can be saved is, and nothing fails for ever."""

import logging
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import WITHIN_S
from sqlalchemy import Engine, event

from edge_worker.analysis.storing.storage_retry import StorageRetry
from edge_worker.database.history import History
from edge_worker.database.repair import database_repair
from edge_worker.database.repair.salvage import Salvaged, copy_readable
from edge_worker.database.store import Store, StoredRecording
from edge_worker.errors import DatabaseDamagedError, DatabaseGoneError, StoreError

STORED = StoredRecording(
    device_id="st-01",
    recording_id="00000000000000aa",
    received_at="2026-11-20T17:20:01.123Z",
    captured_at="2026-11-20T17:20:00.000Z",
    captured_at_source="device",
    completeness="complete",
    missing=[],
    sample_rate=44100,
    channels=1,
    samples=176400,
    audio_sha256="0" * 64,
    audio_file="audio/st-01/00000000000000aa.wav",
    meta={"site": "MV"},
)
COUNT = 400
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with recordings, closed."""
    path = tmp_path / "stetho.db"
    store = Store.open(f"sqlite:///{path}")
    fill(store)
    store.close()
    return path


def fill(store: Store, first: int = 0, count: int = COUNT) -> None:
    store.save_recordings(
        [replace(STORED, recording_id=f"{number:016x}") for number in range(first, first + count)]
    )


def opened(path: Path, *, is_ours: bool = True) -> Store:
    return Store.open(f"sqlite:///{path}", is_ours=is_ours)


def page_of(path: Path, name: str, kind: str = "root") -> int:
    """Return the number of a page of a table or index: its root, or a leaf in its middle."""
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    if kind == "root":
        return int(root)
    raw = path.read_bytes()
    node = raw[(root - 1) * PAGE : root * PAGE]
    assert node[0] == 5, "an interior page of a table"
    cells = int.from_bytes(node[3:5], "big")
    pointer = int.from_bytes(node[12 + cells // 2 * 2 : 14 + cells // 2 * 2], "big")
    return int.from_bytes(node[pointer : pointer + 4], "big")


def overwrite(path: Path, page: int, content: bytes = bytes(PAGE)) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)


def names(store: Store) -> set[str]:
    return {each.recording_id for each in store.unanalysed()}


def test_a_damaged_index_is_made_again_and_nothing_is_lost(path: Path) -> None:
    overwrite(path, page_of(path, "recordings_by_recording_id"))
    store = opened(path)
    assert len(names(store)) == COUNT
    assert not store.repair.take_lost_rows()
    assert store.completeness("st-01", "0000000000000000") == "complete"
    store.close()


def test_a_file_whose_pages_are_whole_is_mended_in_place(path: Path) -> None:
    store = opened(path)
    store.mend(DatabaseDamagedError("an index names a row that is not there"))
    assert len(names(store)) == COUNT
    assert not list(path.parent.glob("damaged/*"))
    store.close()


def test_of_a_damaged_table_all_rows_are_kept_but_those_of_the_page(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO result_feed (recording) SELECT id FROM recordings")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    overwrite(path, page_of(path, "recordings", "leaf"))
    store = opened(path)
    kept = names(store)
    with sqlite3.connect(path) as connection:
        numbered = connection.execute("SELECT count(*) FROM result_feed").fetchone()
    assert numbered == (len(kept),), "nothing is left of rows that are lost"
    assert COUNT - 40 < len(kept) < COUNT
    assert {"0000000000000000", f"{COUNT - 1:016x}"} <= kept
    assert store.repair.take_lost_rows()
    (aside,) = path.parent.glob("damaged/*")
    assert (aside / "stetho.db").stat().st_size
    fill(store)
    assert len(names(store)) == COUNT, "rows that are there are no obstacle"
    store.close()


@pytest.mark.parametrize("content", [bytes(200_000), b"\x7f" * 100_000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_of_which_nothing_can_be_read_is_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    store = opened(path)
    assert names(store) == set()
    assert store.repair.take_lost_rows()
    (aside,) = path.parent.glob("damaged/*")
    assert (aside / "stetho.db").read_bytes() == content
    store.close()


def test_a_file_that_a_url_names_is_left_where_it_is(path: Path) -> None:
    path.write_bytes(b"RIFF" + bytes(9000))
    with pytest.raises(StoreError, match="not a database"):
        opened(path, is_ours=False)
    assert path.read_bytes().startswith(b"RIFF")


def test_of_a_database_that_is_cut_off_the_rows_that_are_there_are_kept(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    store = opened(path)
    assert len(names(store)) > COUNT // 4
    fill(store, COUNT, 1)
    assert f"{COUNT:016x}" in names(store)
    store.close()


def test_a_database_that_is_deleted_in_use_is_written_again_with_all_that_was_in_it(path: Path) -> None:
    store = opened(path)
    history = History.open(f"sqlite:///{path}")
    fill(store, COUNT, 1)
    assert history.count() == COUNT + 1
    for file in path.parent.glob("stetho.db*"):
        file.unlink()
    with pytest.raises(DatabaseGoneError) as gone:
        fill(store, COUNT + 1, 1)
    assert not path.exists(), "nothing makes an empty one"
    store.mend(gone.value)
    fill(store, COUNT + 1, 1)
    assert history.count() == len(names(store)) == COUNT + 2
    store.close()


def test_a_database_that_is_damaged_in_use_is_repaired_and_readers_follow(path: Path) -> None:
    store = opened(path)
    history = History.open(f"sqlite:///{path}")
    assert history.count() == COUNT
    overwrite(path, page_of(path, "recordings", "leaf"))
    elsewhere = History.open(f"sqlite:///{path}")
    with pytest.raises(DatabaseDamagedError) as damaged:
        elsewhere.latest_recordings("st-01", COUNT)
    store.mend(damaged.value)
    kept = len(names(store))
    assert COUNT - 40 < kept < COUNT
    assert history.count() == kept
    store.close()


def test_a_database_that_an_operator_replaces_is_followed(path: Path) -> None:
    store = opened(path)
    other = Store.open(f"sqlite:///{path.with_name('other.db')}")
    fill(other, 0, 3)
    other.close()
    for file in path.parent.glob("stetho.db*"):
        file.unlink()
    path.with_name("other.db").rename(path)
    assert len(names(store)) == 3
    store.close()


def test_a_database_of_which_nothing_can_be_read_any_more_begins_anew_in_use(path: Path) -> None:
    store = opened(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(b"\x7f" * 50_000)
    store.mend(DatabaseDamagedError("file is not a database"))
    fill(store, 0, 3)
    assert len(names(store)) == 3
    assert store.repair.take_lost_rows()
    store.close()


@pytest.mark.parametrize("damage", [bytes(5000), None], ids=["zeros", "cut"])
def test_several_threads_that_meet_the_damage_repair_it_once(
    path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(path)
    if damage is None:
        with path.open("r+b") as file:
            file.truncate(5000)
    else:
        path.write_bytes(damage)
    met, problems = threading.Barrier(4), list[Exception]()

    def work() -> None:
        met.wait()
        try:
            store.mend(DatabaseDamagedError("database disk image is malformed"))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    with caplog.at_level(logging.ERROR):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert caplog.text.count("event=database_repaired") == 1
    fill(store, first=COUNT, count=1)
    store.close()


def test_what_another_process_writes_during_a_repair_is_not_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process has a store of its own, and a lock that keeps only its own threads in turn."""
    ours, other = opened(path), opened(path)
    other.completeness("st-01", "0000000000000000")
    overwrite(path, page_of(path, "recordings", "leaf"))
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        retry = StorageRetry(lambda _fault: None, threading.Event(), other.mend)
        begun.set()
        retry.call(lambda: fill(other, COUNT, 1))
        done.set()

    writer = threading.Thread(target=write, daemon=True)

    def copy_while_it_writes(damaged: sqlite3.Connection, new: sqlite3.Connection) -> Salvaged:
        salvaged = copy_readable(damaged, new)
        writer.start()
        assert begun.wait(WITHIN_S)
        done.wait(0.5)  # without a lock it would be done by then, in the file that is set aside
        return salvaged

    monkeypatch.setattr(database_repair, "copy_readable", copy_while_it_writes)
    ours.mend(DatabaseDamagedError("database disk image is malformed"))
    assert done.wait(WITHIN_S)
    assert f"{COUNT:016x}" in names(ours) == names(other)
    assert len(list(path.parent.glob("damaged/*"))) == 1
    ours.close()
    other.close()


def test_a_crash_while_the_tables_are_made_leaves_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "stetho.db"

    class CrashError(Exception):
        pass

    def crash(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE predictions" in statement:
            raise CrashError

    event.listen(Engine, "before_cursor_execute", crash)
    try:
        with pytest.raises(CrashError):
            opened(path)
    finally:
        event.remove(Engine, "before_cursor_execute", crash)
    store = opened(path)
    fill(store)
    store.close()
