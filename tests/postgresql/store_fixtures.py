"""Fixtures of a database with its writer and reader: `pytest_plugins = ["store_fixtures"]`.

A test with `url` runs on SQLite and on PostgreSQL; one that looks into the file is `parametrize`d with
`["sqlite"]` alone, `indirect`ly.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer, running_server
from stored_results import empty_database

from bench.cluster.postgresql import programs
from edge_worker.database.history import History
from edge_worker.database.store import Store


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """Server of PostgreSQL; skips the test, with a reason, where it is not installed."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (tests/install_postgresql.sh): this runs on SQLite alone")
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy URL of a database; with `store` it has its tables, else nothing."""
    has_tables = "store" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "stetho.db"
        if has_tables:
            path.write_bytes(empty_database())
        yield f"sqlite:///{path}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    made = server.lend() if has_tables else server.new_database(with_tables=False)
    yield made
    (server.take_back if has_tables else server.drop)(made)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Write access to an empty database."""
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def reader(store: Store, url: str) -> Iterator[History]:
    """Read access to the same database."""
    reader = History.open(url)
    yield reader
    reader.close()
