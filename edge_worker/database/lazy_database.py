"""Database that is opened for writing by its first transaction: base of what the history API writes with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import ClassVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.engine import connect_existing
from edge_worker.database.revision import require_revision
from edge_worker.errors import StoreError


class LazyDatabase:
    """Opens the database at its first transaction: the API may start before the worker has created it.

    Safe from any thread. Every method of a subclass may raise StoreError.
    """

    _FAILURE: ClassVar[str] = "the database cannot be written"

    def __init__(self, url: str) -> None:
        self._url = url

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return connect_existing(self._url)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        engine = self._engine
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            require_revision(engine)  # its message is clearer where that is the reason
            raise StoreError(f"{self._FAILURE}: {str(error).splitlines()[0]}") from error
