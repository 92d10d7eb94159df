"""Recordings that the database has, as the intake asks for them: a new one takes no query."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from test_store import NOW, STORED

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.lookup import known_recordings
from edge_worker.database.store import Store

NEW = "00000000000000bb"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/stetho.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def queries(store: Store) -> list[str]:
    """What is asked from now on."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    engine: Engine = store._engine
    event.listen(engine, "before_cursor_execute", note)
    return seen


def test_of_a_known_device_a_new_recording_takes_no_query(store: Store, queries: list[str]) -> None:
    assert not store.has_recordings(STORED.device_id)  # the first query, which opens the database
    assert store.received.completeness(STORED.device_id, NEW) is None
    with store._engine.connect() as connection:
        for query in list(queries)[-2:]:
            parameters = (STORED.device_id, 10, 0)[: query.count("?")]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
            assert all("COVERING INDEX" in row[3] for row in plan), plan
    queries.clear()
    assert store.received.completeness(STORED.device_id, "00000000000000cc") is None
    assert queries == []
    store.save_recordings([replace(STORED, recording_id=NEW)])
    assert store.received.completeness(STORED.device_id, NEW) == STORED.completeness


def test_what_was_stored_or_deleted_before_a_start_is_known(store: Store, url: str) -> None:
    store.save_recordings([STORED])
    with connect(url).begin() as connection:
        deleted = {"device_id": STORED.device_id, "recording_id": NEW, "deleted_at": NOW}
        connection.execute(schema.deletions.insert(), deleted)
    again = Store.open(url)
    assert again.received.completeness(STORED.device_id, STORED.recording_id) == STORED.completeness
    assert again.received.completeness(STORED.device_id, NEW) == "complete"
    assert again.received.completeness("st-99", NEW) is None
    again.close()


def test_what_another_process_stored_is_known_once_its_devices_are_taken(store: Store, url: str) -> None:
    other = Store.open(url)
    assert store.received.completeness(STORED.device_id, STORED.recording_id) is None
    other.save_recordings([STORED])
    other.close()
    store.received.forget()
    assert store.received.completeness(STORED.device_id, STORED.recording_id) == STORED.completeness


def test_what_is_in_another_file_is_known_once_it_is_opened(store: Store, url: str, tmp_path: Path) -> None:
    assert store.received.completeness(STORED.device_id, STORED.recording_id) is None
    restored = Store.open(f"sqlite:///{tmp_path}/restored.db")
    restored.save_recordings([STORED])
    restored.close()
    for path in tmp_path.glob("stetho.db*"):
        path.unlink()
    (tmp_path / "restored.db").rename(tmp_path / "stetho.db")
    assert not store.has_recordings("st-99")  # as the heartbeat opens it
    assert store.received.completeness(STORED.device_id, STORED.recording_id) == STORED.completeness


def test_a_device_with_very_many_is_always_asked_about(
    store: Store, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_recordings, "MOST_OF_DEVICE", 1)
    store.save_recordings([replace(STORED, recording_id=f"{number:016x}") for number in range(2)])
    assert store.received.completeness(STORED.device_id, f"{1:016x}") == STORED.completeness
    queries.clear()
    assert store.received.completeness(STORED.device_id, NEW) is None
    assert len(queries) == 1
