"""Recordings that the database has, as the intake asks for them: mostly one is new, which takes no query."""

from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import Engine

from edge_worker.database import recording_query
from edge_worker.database.engine import on_new_connection
from edge_worker.database.lookup.known_recordings import KnownRecordings
from edge_worker.protocol.result import Completeness


class Named(Protocol):
    """Whatever has the ids of a recording."""

    @property
    def device_id(self) -> str:
        """Id of its device."""

    @property
    def recording_id(self) -> str:
        """Its own, 16 hexadecimal digits."""


class ReceivedRecordings:
    """Recordings that are stored, or were deleted, of devices for which this process alone stores any."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = KnownRecordings()
        on_new_connection(engine, self.forget)  # it may be to another file

    def completeness(self, device_id: str, recording_id: str) -> Completeness | None:
        """Return how complete a recording was stored, None when it was not. Safe from any thread."""
        if not self._known.may_have(device_id, recording_id, self._names):
            return None
        with self._engine.connect() as connection:
            return recording_query.completeness(connection, device_id, recording_id)

    def add(self, stored: Iterable[Named]) -> None:
        """Note recordings that are in the database now."""
        self._known.add((each.device_id, each.recording_id) for each in stored)

    def forget(self) -> None:
        """Note that another process may have stored some: it had the devices that are ours now."""
        self._known.forget()

    def _names(self, device_id: str, limit: int) -> list[str]:
        with self._engine.connect() as connection:
            return recording_query.names(connection, device_id, limit)
