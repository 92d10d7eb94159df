"""Connections that are open, and the bounds of their number: of one address, and of all."""

import logging
from collections import Counter
from typing import Final, Protocol

from edge_worker.telemetry.logfmt import line
from history_api.serving.limits import Limits

REASONS: Final = ("idle", "unread", "unread_memory", "address_full", "server_full")
"""Why the server ends a connection."""
_LOG: Final = logging.getLogger(__name__)


class Connection(Protocol):
    """What the bounds need to know of a connection."""

    address: str
    unsent_bytes: int
    """Of an answer that its client does not read."""

    @property
    def waits_since(self) -> float | None:
        """When we began to wait for the client; None while the client waits for us."""

    def overdue(self, now: float) -> str:
        """Return what the client should have done by now; empty where it is in time."""

    def drop(self) -> None:
        """End the connection at once."""


class Connections:
    """The open connections of a server; their number and `dropped` may be read by any thread.

    Where there are too many, the one goes that waits for its client longest: a client that holds connections
    on to nothing loses its own, and its next request is answered all the same.
    """

    def __init__(self, limits: Limits) -> None:
        self.dropped: Counter[str] = Counter()
        """Connections that the server ended, by reason."""
        self._limits = limits
        self._by_address: dict[str, set[Connection]] = {}
        self._open = 0
        self._unlogged: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        """Return the number of open connections."""
        return self._open

    def add(self, connection: Connection) -> None:
        """Add a new connection; drop another where there are too many, or this where all others are busy."""
        own = self._by_address.setdefault(connection.address, set())
        own.add(connection)
        self._open += 1
        if len(own) > self._limits.per_address:
            self._make_room(own, connection, "address_full")
        elif len(self) > self._limits.connections:
            self._make_room(max(self._by_address.values(), key=len), connection, "server_full")

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        own = self._by_address.get(connection.address, set())
        if connection in own:
            own.remove(connection)
            self._open -= 1
        if not own:
            self._by_address.pop(connection.address, None)

    def drop(self, connection: Connection, reason: str) -> None:
        """End a connection whose client is at fault."""
        self.dropped[reason] += 1
        self._unlogged[connection.address, reason] += 1
        self.remove(connection)
        connection.drop()

    def check(self, now: float) -> None:
        """Drop the connections whose clients are overdue, and unread answers that take too much memory."""
        everything = [each for own in self._by_address.values() for each in own]
        for connection in everything:
            reason = connection.overdue(now)
            if reason:
                self.drop(connection, reason)
        self._free_memory()
        for (address, reason), count in self._unlogged.items():
            _LOG.info(line("dropped", address=address, reason=reason, connections=count))
        self._unlogged.clear()

    def _make_room(self, among: set[Connection], newest: Connection, reason: str) -> None:
        waiting = [(each.waits_since, id(each), each) for each in among - {newest}]
        ages = [(since, number, each) for since, number, each in waiting if since is not None]
        self.drop(min(ages)[2] if ages else newest, reason)

    def _free_memory(self) -> None:
        unread = [each for own in self._by_address.values() for each in own if each.waits_since is not None]
        total = sum(each.unsent_bytes for each in unread)
        for connection in sorted(unread, key=lambda each: each.unsent_bytes, reverse=True):
            if total <= self._limits.unsent_bytes:
                return
            total -= connection.unsent_bytes
            self.drop(connection, "unread_memory")
