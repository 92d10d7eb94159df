"""Fixtures of a real S3 server: `pytest_plugins = ["object_fixtures"]`."""

from collections.abc import Iterator

import pytest
from object_server import ObjectServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """Server with an empty bucket, for the tests of one module."""
    with ObjectServer(tmp_path_factory.mktemp("s3") / "objects") as server:
        yield server


@pytest.fixture
def at_server(monkeypatch: pytest.MonkeyPatch, server: ObjectServer) -> None:
    """Variables of the environment that say where the bucket is, and as whom."""
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
