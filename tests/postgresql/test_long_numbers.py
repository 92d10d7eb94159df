"""Databases of decades (numbers above 31 bits), that several workers create at once, and without encoding."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from postgresql_server import PostgresqlServer
from sqlalchemy import BigInteger, Connection, inspect, text
from stored_results import result_of, store_recording, store_result

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.page_cursor import Sort
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.reviewing.review import ReviewTable
from edge_worker.database.revision import REVISION, current_revision
from edge_worker.database.schema import metadata
from edge_worker.database.store import AnalysisResult, Store

pytest_plugins = ["store_fixtures"]

LAST = 2**31 - 1
"""The last number of 32 bits."""
NOW = "2026-11-20T17:20:09.000Z"


def count_from_last(connection: Connection) -> None:
    """Let every sequence go on behind `LAST`."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and not column.foreign_keys:
            where = {"table": table.name, "column": column.name, "last": LAST}
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"), where)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_numbers_go_on_behind_31_bits(url: str, store: Store, reader: History, tmp_path: Path) -> None:
    with connect(url).begin() as connection:
        count_from_last(connection)
    for number in range(1, 5):
        store_result(store, result_of(number))
    result = result_of(5)
    message = OutboxMessage("stetho/v1/result/st-01", b"{}", retain=False)
    row = store_recording(store, result)
    store.save_results([AnalysisResult(row, result, result.to_json().decode(), NOW, (message,))])
    assert row == LAST + 5
    posted = store.pending()
    assert all(each.id > LAST for each in posted)
    store.acknowledge([each.id for each in posted])
    assert store.pending() == []
    assert [number for number, _ in reader.results_after(LAST + 2, 9)] == [LAST + 3, LAST + 4, LAST + 5]
    assert reader.result_number_of_row(row) == LAST + 5
    pages: list[Sort] = ["-stored", "captured_at", "-captured_at"]
    for sort in pages:
        for filters in (ResultFilter(), ResultFilter(label="normal"), ResultFilter(since="2026-01-01")):
            assert len(list(reader.all_results(filters, sort))) == 5
            first = reader.results(filters, 2, sort=sort)
            assert len(reader.results(filters, 9, first.next, sort).documents) == 3
    with connect(url).begin() as connection:
        connection.exec_driver_sql("UPDATE recordings SET exam = 'visit-7'")
    (exam,) = reader.exams(9).exams
    assert exam.exam_id == "visit-7"
    assert reader.exams(9, after=LAST + 1).exams == []
    reviewing, deletion = ReviewTable(url), RecordingDeletion(url, AudioDirectory(tmp_path))
    assert reviewing.save(
        "st-01", result.recording_id, verdict="confirmed", note="", reviewer="anna", expected=0
    )
    assert deletion.delete("st-01", result.recording_id).recordings == 1
    assert reader.count() == 4
    for each in (reviewing, deletion):
        each.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_database_of_32_bits_becomes_one_of_64_and_goes_back(
    url: str, store: Store, reader: History
) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    store_result(store, result_of(1))

    def migrate(change: Callable[[Config, str], None], revision: str) -> None:
        with connect(url).begin() as connection:
            config.attributes["connection"] = connection
            change(config, revision)
            inspector = inspect(connection)
            kinds = {
                (table, column["name"]): isinstance(column["type"], BigInteger)
                for table in ("recordings", "result_feed")
                for column in inspector.get_columns(table)
            }
            found.append((kinds["recordings", "id"], kinds["result_feed", "number"]))

    found: list[tuple[bool, bool]] = []
    migrate(command.downgrade, "0018")
    migrate(command.upgrade, "head")
    assert found == [(False, False), (True, True)]
    store_result(store, result_of(2))
    assert [number for number, _ in reader.results_after(0, 9)] == [1, 2]


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_workers_that_start_together_create_the_tables_once(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _: Store.open(url), range(4)))
    assert current_revision(connect(url)) == REVISION
    for store in stores:
        store.close()


def test_a_database_without_encoding_keeps_what_people_write(postgresql: PostgresqlServer) -> None:
    url = postgresql.new_database_without_encoding()
    with closing(Store.open(url)) as store:
        store_result(store, result_of(1))
    with connect(url).begin() as connection:
        connection.execute(text("CREATE TABLE words (word text)"))
        connection.execute(text("INSERT INTO words VALUES (:word)"), {"word": "Müller Жук 心"})
        assert connection.execute(text("SELECT word FROM words")).scalar_one() == "Müller Жук 心"
