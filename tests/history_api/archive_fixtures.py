"""Fixtures of an archive and its API: `pytest_plugins = ["archive_fixtures"]`.

All archives of a module that uses the fixture `database` are on SQLite, and then on PostgreSQL. A test in it
that looks into the file is `parametrize`d with `["sqlite"]` alone, `indirect`ly.
"""

from collections.abc import Iterator
from pathlib import Path

import archive_database
import pytest
from archive import Api, Archive

pytest_plugins = ["store_fixtures"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Kind of database that archives have."""
    if request.param == "sqlite":
        yield
        return
    with archive_database.on(request.getfixturevalue("postgresql")):
        yield


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Archive in a directory of its own, without recordings."""
    archive = Archive(tmp_path)
    yield archive
    archive.store.close()
    archive_database.take_back(archive.settings.database)


@pytest.fixture
def api(archive: Archive) -> Api:
    """Client of the history API on the archive."""
    return archive.api()
