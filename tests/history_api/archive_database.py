"""Databases of the archives of a test module: a SQLite file each, or one of PostgreSQL each."""

from collections.abc import Iterator
from contextlib import contextmanager

from postgresql_server import PostgresqlServer

_servers: list[PostgresqlServer] = []
_lent: list[str] = []


@contextmanager
def on(server: PostgresqlServer) -> Iterator[None]:
    """Let archives have their databases on that server."""
    _servers.append(server)
    yield
    _servers.pop()
    for url in _lent:
        server.take_back(url)
    _lent.clear()


def lend() -> str:
    """Return the URL of an empty database; none: it is a SQLite file."""
    if not _servers:
        return ""
    _lent.append(_servers[-1].lend())
    return _lent[-1]


def take_back(url: str) -> None:
    """Let another archive have the database, before the end of the module."""
    if url in _lent:
        _lent.remove(url)
        _servers[-1].take_back(url)
