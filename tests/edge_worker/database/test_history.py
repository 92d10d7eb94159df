"""Read access to real databases that the store wrote."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from stored_results import result_of, store_recording, store_result

from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.store import Store
from edge_worker.errors import StoreError

pytest_plugins = ["store_fixtures"]


def test_a_recording_without_result_is_on_no_page(store: Store, reader: History) -> None:
    store_recording(store, result_of(1))
    store_result(store, result_of(2))
    assert len(reader.results(ResultFilter(), 10).documents) == 1
    assert [entry.document for entry in reader.recording(f"{1:016x}")] == [None]
    assert reader.count() == 2


def test_an_id_that_two_devices_share_is_two_recordings(store: Store, reader: History) -> None:
    store_result(store, result_of(1, "st-01"))
    store_result(store, result_of(1, "st-02"))
    assert [entry.device_id for entry in reader.recording(f"{1:016x}")] == ["st-01", "st-02"]
    assert [entry.device_id for entry in reader.recording(f"{1:016x}", "st-02")] == ["st-02"]
    assert reader.recording(f"{1:016x}", "st-03") == []


def test_predictions_are_the_newest(store: Store, reader: History) -> None:
    for number in range(3):
        store_result(store, result_of(number, labels={"heart5": "normal", "heart2": "abnormal"}))
    newest = reader.predictions(3)
    assert [(each.recording_id[-1], each.model) for each in newest] == [
        ("2", "heart2"),
        ("2", "heart5"),
        ("1", "heart2"),
    ]
    assert newest[0].probabilities == {"abnormal": 0.9}


def test_heartbeats_are_newest_first(store: Store, reader: History) -> None:
    store.save_heartbeat("edge-01", "2026-11-20T17:20:09.000Z", {"state": "ready"})
    store.save_heartbeat("edge-02", "2026-11-20T17:20:10.000Z", {"state": "offline"})
    assert [(beat.worker_id, beat.document["state"]) for beat in reader.heartbeats()] == [
        ("edge-02", "offline"),
        ("edge-01", "ready"),
    ]


def test_reading_creates_no_database(tmp_path: Path) -> None:
    reader = History.open(f"sqlite:///{tmp_path / 'data' / 'stetho.db'}")
    for ask in (reader.require_ready, reader.count, lambda: reader.results(ResultFilter(), 1)):
        with pytest.raises(StoreError, match="start the worker"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_reading_works_once_the_worker_has_created_the_database(url: str) -> None:
    reader = History.open(url)
    with pytest.raises(StoreError):
        reader.require_ready()
    store = Store.open(url)
    store_result(store, result_of(1))
    reader.require_ready()
    assert reader.count() == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_empty_database_says_what_to_do(tmp_path: Path, url: str) -> None:
    (tmp_path / "stetho.db").touch()
    reader = History.open(url)
    with pytest.raises(StoreError, match="start the worker"):
        reader.count()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_unusable_database_is_refused_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="STETHO_DATABASE_URL"):
        History.open("not a url")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="not a directory"):
        History.open(f"sqlite:///{tmp_path / 'file' / 'stetho.db'}")
    with connect(url).begin() as connection:
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
    with pytest.raises(StoreError, match="other tables"):
        History.open(url)


def test_a_database_of_another_version_is_not_ready(store: Store, reader: History, url: str) -> None:
    with connect(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        reader.require_ready()


def test_a_broken_table_is_a_store_error_without_the_query(store: Store, reader: History, url: str) -> None:
    with connect(url).begin() as connection:
        connection.execute(text("DROP TABLE predictions"))
    with pytest.raises(StoreError, match="cannot be read") as raised:
        reader.predictions(1)
    assert "SELECT" not in str(raised.value)


def test_the_reader_cannot_write(store: Store, reader: History) -> None:
    with reader._engine.connect() as connection, pytest.raises(Exception, match=r"read-?only"):
        connection.execute(text("DELETE FROM recordings"))


def test_reading_history_loads_no_numpy() -> None:
    program = (
        "import sys, edge_worker.database.history\n"
        "print([name for name in ('numpy', 'paho', 'alembic', 'scipy') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout == "[]\n"
