"""Fixtures of a database with its writer and reader: `pytest_plugins = ["store_fixtures"]`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_results import empty_database

from edge_worker.database.history import History
from edge_worker.database.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """SQLAlchemy URL of the database."""
    return f"sqlite:///{tmp_path / 'stetho.db'}"


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[Store]:
    """Write access to an empty database."""
    (tmp_path / "stetho.db").write_bytes(empty_database())
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def reader(store: Store, url: str) -> Iterator[History]:
    """Read access to the same database."""
    reader = History.open(url)
    yield reader
    reader.close()
