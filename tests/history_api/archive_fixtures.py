"""Fixtures of an archive and its API: `pytest_plugins = ["archive_fixtures"]`."""

from pathlib import Path

import pytest
from archive import Api, Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Archive in a directory of its own, without recordings."""
    return Archive(tmp_path)


@pytest.fixture
def api(archive: Archive) -> Api:
    """Client of the history API on the archive."""
    return archive.api()
