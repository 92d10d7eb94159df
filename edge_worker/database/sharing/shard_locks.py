"""Locks of shards in PostgreSQL: whoever holds one serves the devices of the shard, wherever it runs.

They are advisory locks of a session (PostgreSQL manual, § 13.3.5): a process that dies, or whose machine is
gone, loses them with its connection, and nobody has to clean up. Each process holds one more that says that
it is there. Those of another database, so of another site, are others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.engine import connect
from edge_worker.errors import StoreError

_SHARDS: Final = 0x57E7_0001
_MEMBERS: Final = 0x57E7_0002
"""Classes of the locks: any numbers that no other program uses in the same database."""
_PATIENCE: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "4",
    "tcp_user_timeout": "6000",
}
"""Of our end of the connection: a server whose machine is gone is noticed within seconds."""
_SERVERS_PATIENCE: Final = (
    "SET tcp_keepalives_idle = 2",
    "SET tcp_keepalives_interval = 1",
    "SET tcp_keepalives_count = 4",
)
"""Of the other end: so soon the locks of a process whose machine is gone are free."""
_TRY: Final = text("SELECT pg_try_advisory_lock(:kind, :number)")
_FREE: Final = text("SELECT pg_advisory_unlock(:kind, :number)")
_SURVEY: Final = text(
    "SELECT classid::bigint AS kind, objid::bigint AS number, pid = pg_backend_pid() AS is_own "
    "FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid::bigint IN (:shards, :members)"
)


@dataclass(frozen=True, slots=True)
class LockSurvey:
    """Which shards are locked, and which processes are there, by their numbers."""

    own: frozenset[int]
    others: frozenset[int]
    members: frozenset[int]


class ShardLocks:
    """The locks of one process, on a connection of their own. Used by one thread.

    Every method may raise StoreError: the connection is lost, and with it all locks.
    """

    def __init__(self, url: str, number: int) -> None:
        """Use the database at `url`, as the process of this `number`; connects nothing."""
        whole = make_url(url)
        tuned = whole.set(query={**_PATIENCE, **whole.query})
        self._engine: Engine = connect(tuned.render_as_string(hide_password=False))
        self.number = number
        self._connection: Connection | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as the last use of it tells."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect, and say that this process is there.

        Raises:
            StoreError: the server cannot be reached, or another process has the number of this one.
        """
        self.close()
        with _named():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # closed with us: a pool would keep it, and the locks with it
            self._connection = connection
        with self._using() as connection:
            for statement in _SERVERS_PATIENCE:
                connection.exec_driver_sql(statement)
            is_free = connection.execute(_TRY, {"kind": _MEMBERS, "number": self.number}).scalar_one()
        if not is_free:
            self.close()
            raise StoreError(
                f"another process of this cluster has the number {self.number}: set STETHO_FIRST_PROCESS "
                "so that the processes of all machines have numbers of their own"
            )

    def survey(self) -> LockSurvey:
        """Return who holds what at this moment."""
        with self._using() as connection:
            rows = connection.execute(_SURVEY, {"shards": _SHARDS, "members": _MEMBERS}).all()
        of_shards = [row for row in rows if row.kind == _SHARDS]
        return LockSurvey(
            own=frozenset(row.number for row in of_shards if row.is_own),
            others=frozenset(row.number for row in of_shards if not row.is_own),
            members=frozenset(row.number for row in rows if row.kind == _MEMBERS),
        )

    def try_lock(self, shard: int) -> bool:
        """Lock a shard that is not locked by us; return False where another has locked it."""
        with self._using() as connection:
            return bool(connection.execute(_TRY, {"kind": _SHARDS, "number": shard}).scalar_one())

    def unlock(self, shard: int) -> None:
        """Let others lock a shard."""
        with self._using() as connection:
            connection.execute(_FREE, {"kind": _SHARDS, "number": shard})

    def close(self) -> None:
        """End the connection, and with it all locks."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except SQLAlchemyError:  # it was lost before
                connection.invalidate()

    @contextmanager
    def _using(self) -> Iterator[Connection]:
        if self._connection is None:
            raise StoreError("there is no connection to the database")
        try:
            with _named():
                yield self._connection
        except StoreError:
            self.close()
            raise


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"the database does not answer: {str(error).splitlines()[0]}") from error
