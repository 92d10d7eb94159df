"""Counts of recordings and labels are those of the rows, whatever is stored, repeated, deleted or lost."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select
from stored_results import result_of, store_recording, store_result

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.counting import count_tables, counts
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]


def kept(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of both tables of counts, without those that count nothing."""
    engine = connect(url)
    with engine.connect() as connection:
        tables = (count_tables.recording_counts, count_tables.label_counts)
        rows = {table.name: connection.execute(select(table)).all() for table in tables}
    engine.dispose()
    return {name: sorted(tuple(row) for row in found if any(row[-2:])) for name, found in rows.items()}


def counted_again(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the counts should be."""
    engine = connect(url)
    with engine.begin() as connection:
        counts.count_again(connection)
    engine.dispose()
    return kept(url)


def test_counts_follow_what_is_stored_repeated_and_deleted(store: Store, url: str, tmp_path: Path) -> None:
    chance, deletion = random.Random(11), RecordingDeletion(url, AudioDirectory(tmp_path))
    for step in range(150):
        number = chance.randrange(40)
        labels = {model: chance.choice(("normal", "murmur")) for model in ("heart5", "heart2")}
        result = result_of(number, f"st-0{number % 3}", labels=labels, accepted=chance.random() < 0.5)
        if (action := chance.choice((store_result, store_recording, store_result, None))) is None:
            deletion.delete(result.device_id, result.recording_id)
        else:
            action(store, result)
        if step % 10 == 0:
            assert kept(url) == counted_again(url)
    deletion.delete_of_device("st-01")
    assert kept(url) == counted_again(url)
    assert any(kept(url)["label_counts"])
    for device in ("st-00", "st-02"):
        deletion.delete_of_device(device)
    assert kept(url)["label_counts"] == []
    deletion.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_counts_are_made_anew_after_a_repair(store: Store, url: str, tmp_path: Path) -> None:
    for number in range(400):
        store_result(store, result_of(number, f"st-{number % 3:02}"))
    store.close()
    path = tmp_path / "stetho.db"
    with sqlite3.connect(path) as connection:
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        query = "SELECT pageno FROM dbstat WHERE name = 'recordings' AND pagetype = 'leaf'"
        pages = [row[0] for row in connection.execute(query)]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    begin = (pages[len(pages) // 2] - 1) * page_size
    content[begin : begin + page_size] = b"\xa5" * page_size
    path.write_bytes(content)
    Store.open(url).close()
    found = kept(url)
    assert found == counted_again(url)
    history = History.open(url)
    assert 0 < history.count() < 400
    history.close()


def test_a_site_that_is_upgraded_has_its_counts(store: Store, url: str) -> None:
    for number in range(7):
        store_result(store, result_of(number, f"st-0{number % 2}", accepted=number > 2))
    store.close()
    from alembic import command  # noqa: PLC0415 - as `revision.upgrade` does
    from alembic.config import Config  # noqa: PLC0415

    expected = kept(url)
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0015")
        assert "label_counts" not in inspect(connection).get_table_names()
    engine.dispose()
    Store.open(url).close()
    assert kept(url) == expected
