"""Claim of a PostgreSQL database: a lock of the server, on a connection that a worker keeps for it.

Workers that share the devices by leases claim it together; any other worker claims it alone. The server frees
the lock when the connection ends, however it ends. A worker that loses its connection claims again, and goes
on meanwhile: only where another has the database by then it ends.
"""

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.engine import connect
from edge_worker.database.postgresql.reason import reason
from edge_worker.errors import SettingsError, StoreError
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_LOCK: Final = 0x57E7_517E
"""Any number that no other program uses in the same database."""
_LOOK_EVERY_S: Final = 2.0
_WITHIN_S: Final = 5.0
"""So long a start waits: the server may not have noticed yet that the worker before was killed."""
_RETRY_S: Final = 0.5
_LONGEST_NAME: Final = 63
"""What PostgreSQL keeps of the name of a connection."""
_SERVERS_PATIENCE: Final = (
    "SET tcp_keepalives_idle = 2",
    "SET tcp_keepalives_interval = 1",
    "SET tcp_keepalives_count = 4",
)
"""Of the server: so soon it frees the lock of a worker whose machine is gone."""
_TAKE: Final = {
    False: text("SELECT pg_try_advisory_lock(:lock)"),
    True: text("SELECT pg_try_advisory_lock_shared(:lock)"),
}
_NAME: Final = text("SELECT set_config('application_name', :name, false)")
_HOLDERS: Final = text(
    "SELECT pid, coalesce(application_name, '') AS name FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = 0 "
    "AND objid::bigint = :lock AND pid <> pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_END: Final = text("SELECT pg_terminate_backend(:pid)")


class DatabaseClaim:
    """The claim of one worker, kept by a thread of its own."""

    def __init__(self, url: str, worker_id: str, *, is_shared: bool) -> None:
        """Claim the database at `url`, together with others that do if `is_shared`; connects nothing."""
        self._engine = connect(url)
        self._is_shared = is_shared
        self._token = f"stetho {secrets.token_hex(4)}"
        self._name = f"{self._token} {worker_id} on {socket.gethostname()}"[:_LONGEST_NAME]
        self._connection: Connection | None = None
        self._closing = threading.Event()
        self.problem = ""
        """Why the claim is lost for good, in a sentence."""

    def take(self) -> None:
        """Claim the database.

        Raises:
            SettingsError: another worker has it.
            StoreError: the server cannot be reached.
        """
        deadline = time.monotonic() + _WITHIN_S
        while holder := self._try():
            if time.monotonic() > deadline:
                self.close()
                raise SettingsError(self._refusal(holder))
            time.sleep(_RETRY_S)

    def keep(self, end: Callable[[], None]) -> None:
        """Watch the connection, and claim again where it broke; call `end` when another has the database."""
        threading.Thread(target=self._watch, args=(end,), name="database-claim", daemon=True).start()

    def close(self) -> None:
        """Let others claim the database."""
        self._closing.set()
        self._drop()
        self._engine.dispose()

    def _watch(self, end: Callable[[], None]) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            try:
                holder = "" if self._is_alive() else self._try()
            except StoreError as error:
                _LOG.warning(line("database_claim_waits", reason=error))
                continue
            if holder:
                self.problem = self._refusal(holder)
                _LOG.error(line("database_claim_lost", reason=self.problem))
                end()
                return

    def _is_alive(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.exec_driver_sql("SELECT 1")
            except (SQLAlchemyError, StoreError):
                self._drop()
        return self._connection is not None

    def _try(self) -> str:
        """Try to lock; return the name of who has the lock, empty: we have."""
        try:
            if self._connection is None:
                connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                connection.detach()  # ended with us: a pool would keep it, and the lock with it
                self._connection = connection
                for statement in _SERVERS_PATIENCE:
                    connection.exec_driver_sql(statement)
                connection.execute(_NAME, {"name": self._name})
            if self._connection.execute(_TAKE[self._is_shared], {"lock": _LOCK}).scalar_one():
                return ""
            return self._holder(self._connection)
        except SQLAlchemyError as error:
            self._drop()
            raise StoreError(f"the database cannot be claimed: {reason(error)}") from error

    def _holder(self, connection: Connection) -> str:
        """Return who has the lock.

        Raises:
            StoreError: nobody has it by now, or a connection of ours that the server still believed in.
        """
        holders = connection.execute(_HOLDERS, {"lock": _LOCK}).all()
        others = [row for row in holders if not row.name.startswith(self._token)]
        for row in set(holders) - set(others):
            connection.execute(_END, {"pid": row.pid})
        if not others:
            self._drop()
            raise StoreError("the lock of the database is being freed")
        name = others[0].name
        return f"another worker ({name.split(' ', 2)[2]})" if name.startswith("stetho ") else "another worker"

    def _refusal(self, holder: str) -> str:
        url = self._engine.url.render_as_string()
        return f"{holder} uses the database {url}; stop it, or give this one another STETHO_DATABASE_URL"

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except SQLAlchemyError:  # it was lost before
                connection.invalidate()
