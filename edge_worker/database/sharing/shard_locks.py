"""Locks of shards in PostgreSQL: whoever holds one serves the devices of the shard, wherever it runs.

They are advisory locks of a session (PostgreSQL manual, § 13.3.5): a process that dies, or whose machine is
gone, loses them with its connection, and nobody has to clean up. Each process holds three more that say that
it is there, on which machine, and that it has the broker. Those of another database, so of another site, are
others.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.engine import connect
from edge_worker.database.postgresql.reason import reason
from edge_worker.errors import StoreError

_SHARDS: Final = 0x57E7_0001
_MEMBERS: Final = 0x57E7_0002
_MACHINES: Final = 0x57E7_0003
_HEARING: Final = 0x57E7_0004
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
_PROMPT: Final = "SET synchronous_commit = off"
"""Who takes shards does not wait for the server's disk: what a crash of the server loses then, such as names
of what is not stored, devices still have."""
_TRY: Final = text("SELECT pg_try_advisory_lock(:kind, :number)")
_SHARE: Final = text("SELECT pg_advisory_lock_shared(:kind, :number)")
_FREE: Final = text("SELECT pg_advisory_unlock(:kind, :number)")
_END: Final = text("SELECT pg_terminate_backend(:pid)")
_SURVEY: Final = text(
    "SELECT classid::bigint AS kind, objid::bigint AS number, locks.pid, state_change, "
    "locks.pid = pg_backend_pid() AS is_own FROM pg_locks locks LEFT JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid::bigint IN (:shards, :members, :machines, :hearing)"
)


@dataclass(frozen=True, slots=True)
class LockSurvey:
    """Which shards are locked, and which processes are there and have the broker, by their numbers."""

    own: frozenset[int]
    """Shards."""
    holders: Mapping[int, int]
    """By shard: the process that has locked it."""
    members: Mapping[int, int]
    """By process: its machine."""
    signs: Mapping[int, object]
    """By other process: when it last asked something; not of those that the server does not let us see."""


class ShardLocks:
    """The locks of one process, on a connection of their own. Used by one thread.

    Every method may raise StoreError: the connection is lost, and with it all locks.
    """

    def __init__(self, url: str, number: int, *, machine: int) -> None:
        """Use the database at `url`, as the process of this `number`; connects nothing.

        `machine` is the number of the first process of the same machine.
        """
        whole = make_url(url)
        tuned = whole.set(query={**_PATIENCE, **whole.query})
        self._engine: Engine = connect(tuned.render_as_string(hide_password=False))
        self.number, self.machine = number, machine
        self._connection: Connection | None = None
        self._is_hearing = False
        self._sessions: dict[int, int] = {}
        """By process: the id of its session."""

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
        with self.using() as connection:
            for statement in (*_SERVERS_PATIENCE, _PROMPT):
                connection.exec_driver_sql(statement)
            connection.execute(_SHARE, {"kind": _MACHINES, "number": self.machine})
            is_free = connection.execute(_TRY, {"kind": _MEMBERS, "number": self.number}).scalar_one()
        if not is_free:
            self.close()
            raise StoreError(
                f"another process of this cluster has the number {self.number}: set STETHO_FIRST_PROCESS "
                "so that the processes of all machines have numbers of their own"
            )

    def set_hearing(self, *, is_hearing: bool) -> None:
        """Say whether this process has the broker; who has not counts as not there."""
        if is_hearing != self._is_hearing:
            with self.using() as connection:
                statement = _TRY if is_hearing else _FREE
                connection.execute(statement, {"kind": _HEARING, "number": self.number})
            self._is_hearing = is_hearing

    def survey(self) -> LockSurvey:
        """Return who holds what at this moment."""
        with self.using() as connection:
            kinds = {"shards": _SHARDS, "members": _MEMBERS, "machines": _MACHINES, "hearing": _HEARING}
            rows = connection.execute(_SURVEY, kinds).all()
        processes = {row.pid: row for row in rows if row.kind == _MEMBERS}
        machines = {row.pid: row.number for row in rows if row.kind == _MACHINES}
        hearing = {row.pid for row in rows if row.kind == _HEARING}
        shards = [row for row in rows if row.kind == _SHARDS]
        self._sessions = {row.number: pid for pid, row in processes.items()}
        return LockSurvey(
            own=frozenset(row.number for row in shards if row.is_own),
            holders={row.number: processes[row.pid].number if row.pid in processes else 0 for row in shards},
            members={
                row.number: machines.get(pid, row.number) for pid, row in processes.items() if pid in hearing
            },
            signs={
                row.number: row.state_change
                for row in processes.values()
                if not row.is_own and row.state_change is not None
            },
        )

    def end(self, process: int) -> None:
        """End the connection of a process that the last survey saw, and with it all its locks."""
        with self.using() as connection:
            connection.execute(_END, {"pid": self._sessions[process]})

    def try_lock(self, shard: int) -> bool:
        """Lock a shard that is not locked by us; return False where another has locked it."""
        with self.using() as connection:
            return bool(connection.execute(_TRY, {"kind": _SHARDS, "number": shard}).scalar_one())

    def unlock(self, shard: int) -> None:
        """Let others lock a shard."""
        with self.using() as connection:
            connection.execute(_FREE, {"kind": _SHARDS, "number": shard})

    def close(self) -> None:
        """End the connection, and with it all locks."""
        connection, self._connection = self._connection, None
        self._is_hearing = False
        if connection is not None:
            try:
                connection.close()
            except SQLAlchemyError:  # it was lost before
                connection.invalidate()

    @contextmanager
    def durably(self) -> Iterator[Connection]:
        """Yield the connection; what is written is on the server's disk before it goes on."""
        with self.using() as connection:
            connection.exec_driver_sql("SET synchronous_commit = on")
            yield connection
            connection.exec_driver_sql(_PROMPT)

    @contextmanager
    def using(self) -> Iterator[Connection]:
        """Yield the connection, each of whose statements is a transaction, to the thread of the locks."""
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
        raise StoreError(f"the database does not answer: {reason(error)}") from error
