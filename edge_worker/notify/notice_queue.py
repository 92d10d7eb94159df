"""Queue of notices in a database of its own: nothing is told twice, nothing is lost with the process.

A notice is one occurrence that one rule tells; its deliveries are one for each receiver. The history API
reads the queue, and asks here for tests; everything else is written by `stetho notify` alone.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

from edge_worker.errors import StoreError
from edge_worker.notify.occurrence import Occurrence

NAME: Final = "notify.db"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notice (
  id INTEGER PRIMARY KEY, rule TEXT NOT NULL, key TEXT NOT NULL, sort TEXT NOT NULL, severity TEXT NOT NULL,
  stream TEXT NOT NULL, occurrence TEXT NOT NULL, made REAL NOT NULL, told REAL, summary INTEGER,
  UNIQUE (rule, key));
CREATE INDEX IF NOT EXISTS notice_told ON notice (rule, told);
CREATE INDEX IF NOT EXISTS notice_stream ON notice (stream) WHERE stream != '';
CREATE TABLE IF NOT EXISTS delivery (
  notice INTEGER NOT NULL, receiver TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
  attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, error TEXT NOT NULL DEFAULT '', done REAL,
  PRIMARY KEY (notice, receiver));
CREATE INDEX IF NOT EXISTS delivery_state ON delivery (state, receiver);
CREATE TABLE IF NOT EXISTS presence (
  kind TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, since TEXT NOT NULL, boot TEXT NOT NULL,
  reason TEXT NOT NULL, told TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS status (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS test (id TEXT PRIMARY KEY, rule TEXT NOT NULL);
"""
_WAITING: Final = (
    "SELECT notice, receiver, rule, occurrence, attempts, made FROM delivery JOIN notice ON id = notice "
    "WHERE state = 'waiting'"
)
_BUSY_S: Final = 5.0


class Delivery(NamedTuple):
    """A notice that a receiver should get."""

    notice: int
    receiver: str
    rule: str
    occurrence: Occurrence
    attempts: int
    made: float
    """Seconds of the Unix clock."""


class Held(NamedTuple):
    """A notice that waits, because there were many, or for the end of quiet hours."""

    id: int
    occurrence: Occurrence
    made: float


class NoticeQueue:
    """The database of one `stetho notify`, used on one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the queue, and make it where there is none; one that is damaged is moved aside.

        Raises:
            StoreError: it cannot be opened or made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return cls(_connect(path))
            except sqlite3.OperationalError:  # a disk that is full or read-only damages nothing
                raise
            except sqlite3.DatabaseError:
                for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                    if each.exists():
                        each.rename(each.with_name(f"{each.name}.damaged"))
                return cls(_connect(path))
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path} cannot be used ({error}): let this user write there") from error

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside is kept, on disk."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def add(self, rule: str, occurrence: Occurrence, now: float) -> int | None:
        """Add a notice that is held for now; return its id, None where the rule has it already."""
        found = self.connection.execute(
            "INSERT OR IGNORE INTO notice (rule, key, sort, severity, stream, occurrence, made) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                rule, occurrence.key, occurrence.sort, occurrence.severity, occurrence.stream,
                occurrence.to_json(), now,
            ),
        ).fetchone()  # fmt: skip
        return None if found is None else int(found[0])

    def tell(self, notice: int, receivers: Iterable[str], now: float) -> None:
        """Have a notice sent to each of these receivers."""
        self.connection.execute("UPDATE notice SET told = ? WHERE id = ?", (now, notice))
        self.connection.executemany(
            "INSERT OR IGNORE INTO delivery (notice, receiver, next_at) VALUES (?, ?, ?)",
            [(notice, receiver, now) for receiver in dict.fromkeys(receivers)],
        )

    def told_since(self, rule: str, since: float, now: float) -> list[str]:
        """Return the sorts of the notices that a rule told in a time, oldest first."""
        found = self.connection.execute(
            "SELECT sort FROM notice WHERE rule = ? AND told > ? AND told <= ? ORDER BY told",
            (rule, since, now),
        )
        return [str(sort) for (sort,) in found]

    def has_told_stream(self, rule: str, device: str, stream: str, label: str | None) -> bool:
        """Return whether a rule has a notice of an event of this stream with this label."""
        found = self.connection.execute(
            "SELECT 1 FROM notice WHERE rule = ? AND stream = ? AND sort = ?",
            (rule, stream, f"heard/{device}/{label or ''}"),
        )
        return found.fetchone() is not None

    def held(self, rule: str) -> list[Held]:
        """Return the notices of a rule that wait, oldest first."""
        found = self.connection.execute(
            "SELECT id, occurrence, made FROM notice WHERE rule = ? AND told IS NULL AND summary IS NULL "
            "ORDER BY id",
            (rule,),
        )
        return [Held(identity, Occurrence.parse(text), made) for identity, text, made in found]

    def sum_up(self, notices: Sequence[int], summary: int) -> None:
        """Note that a summary tells these notices."""
        self.connection.executemany(
            "UPDATE notice SET summary = ? WHERE id = ?", [(summary, each) for each in notices]
        )

    def due(self, receiver: str, now: float, longest_wait_s: float) -> Delivery | None:
        """Return the next delivery for a receiver, those first that were not tried yet."""
        found = self.connection.execute(
            f"{_WAITING} AND receiver = ? AND (next_at <= ? OR next_at > ?) "
            "ORDER BY attempts, notice LIMIT 1",
            (receiver, now, now + longest_wait_s),  # a clock that was set back must not delay for long
        ).fetchone()
        if found is None:
            return None
        notice, name, rule, text, attempts, made = found
        return Delivery(notice, name, rule, Occurrence.parse(text), attempts, made)

    def done(self, delivery: Delivery, state: str, error: str, now: float) -> None:
        """Note the end of a delivery: `sent`, or `given up`."""
        self.connection.execute(
            "UPDATE delivery SET state = ?, error = ?, done = ?, attempts = attempts + 1 "
            "WHERE notice = ? AND receiver = ?",
            (state, error, now, delivery.notice, delivery.receiver),
        )

    def again(self, delivery: Delivery, error: str, next_at: float) -> None:
        """Note that a delivery failed, and when it is tried again."""
        self.connection.execute(
            "UPDATE delivery SET error = ?, next_at = ?, attempts = attempts + 1 "
            "WHERE notice = ? AND receiver = ?",
            (error, next_at, delivery.notice, delivery.receiver),
        )

    def waiting(self) -> list[Delivery]:
        """Return all deliveries that wait, oldest first."""
        found = self.connection.execute(f"{_WAITING} ORDER BY notice")
        return [
            Delivery(notice, name, rule, Occurrence.parse(text), attempts, made)
            for notice, name, rule, text, attempts, made in found
        ]

    def take_tests(self) -> list[tuple[str, str]]:
        """Return the tests that were asked for since the last call: id, and name of a rule."""
        found = self.connection.execute("SELECT id, rule FROM test").fetchall()
        if found:
            self.connection.execute("DELETE FROM test")
        return found

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter, which survives restarts."""
        self.connection.execute(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            (name, by),
        )

    def forget(self, before: float) -> None:
        """Forget notices that were made before, and are neither waiting nor held."""
        self.connection.execute(
            "DELETE FROM notice WHERE made < ? AND (told IS NOT NULL OR summary IS NOT NULL) AND NOT EXISTS "
            "(SELECT 1 FROM delivery WHERE notice = notice.id AND state = 'waiting')",
            (before,),
        )
        self.connection.execute("DELETE FROM delivery WHERE notice NOT IN (SELECT id FROM notice)")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, _BUSY_S, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # an acknowledged message is nowhere else
    connection.executescript(_SCHEMA)
    connection.execute("SELECT count(*) FROM notice").fetchone()
    return connection
