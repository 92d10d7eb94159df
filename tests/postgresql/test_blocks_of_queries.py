"""Blocks that PostgreSQL reads for a page, where a device or a range of time has thousands of recordings."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from plan_reading import statements
from postgresql_server import PostgresqlServer
from sqlalchemy import Engine

from bench.history import history_queries, history_rows, postgresql_history
from edge_worker.database.engine import connect
from edge_worker.database.history import History
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]

ROWS = 12_000
DEVICES = 3
MOST = 6_000
"""Blocks of one query: a recording that is looked at takes four, so all of a device 16,000. The server
chooses by a sample of the rows, another each time: a query that took less than 2,500 took 3,576 then."""
OF_MANY = ("device", "since=", "until=")
"""In the names of queries of conditions that thousands of recordings meet, of which a page is wanted."""


@pytest.fixture(scope="module")
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """A history in which each device has a third of all recordings."""
    url = postgresql.new_database(with_tables=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_rows, "DEVICES", DEVICES)
        postgresql_history.fill(url, ROWS, rare_every=1_000)
    yield url
    postgresql.drop(url)


def blocks(engine: Engine, query: Callable[[], object]) -> int:
    """Return how many blocks the statements of a query read, from the cache or the disk."""
    with statements(engine) as seen:
        query()
    count = 0
    with engine.connect() as connection:
        for statement, parameters in seen:
            if statement.startswith(("SELECT", "WITH")) and "pg_catalog" not in statement:
                explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
                plan = connection.exec_driver_sql(explained, parameters).scalar_one()[0]["Plan"]
                count += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return count


def test_no_query_reads_all_recordings_of_a_device(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_rows, "DEVICES", DEVICES)
    with closing(History.open(url)) as history, closing(Store.open(url)) as store:
        read = {
            name: blocks((store if name.startswith("worker:") else history)._engine, query)
            for name, query in history_queries.queries(history, store, ROWS)
            if any(each in name for each in OF_MANY)
        }
    assert len(read) > 30
    assert {name: count for name, count in read.items() if count > MOST} == {}


def test_a_query_that_reads_them_is_seen(url: str) -> None:
    engine = connect(url)

    def query() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(document) FROM recordings WHERE device_id = 'st-000'")

    assert blocks(engine, query) > 500
    engine.dispose()
