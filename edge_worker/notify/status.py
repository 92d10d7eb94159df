"""What `stetho notify` says of itself in its database: rules without addresses, receivers by name, faults."""

import os
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from edge_worker import __version__
from edge_worker.directory_lock import is_locked
from edge_worker.errors import StoreError
from edge_worker.notify.notice_queue import NAME, NoticeQueue
from edge_worker.notify.occurrence import Occurrence
from edge_worker.notify.rule import Rules
from edge_worker.notify.settings import DIRECTORY
from edge_worker.own_command import stetho
from edge_worker.protocol import strict_json
from edge_worker.protocol.timestamp import rfc3339

LOCK: Final = "lock"
_FRESH: Final = timedelta(seconds=60)
_BUSY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class NotifyStatus:
    """What another program sees of the notifications of a site."""

    is_running: bool = False
    was_set_up: bool = False
    """Whether notifications ever ran here."""
    document: dict[str, Any] = field(default_factory=dict)
    """As `write` wrote it last."""
    counters: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    """Messages that wait, by receiver."""
    errors: dict[str, str] = field(default_factory=dict)
    """Why the last message of a receiver is still waiting."""
    last: list[dict[str, Any]] = field(default_factory=list)
    """The last messages, newest first."""

    @property
    def fault(self) -> str:
        """What is wrong, with what to do; empty where nothing is, or notifications are not used here."""
        if not self.was_set_up:
            return ""
        if not self.is_running:
            return f"notifications do not run: start `{stetho('notify')}`, its log says why it ended"
        seen_at = self.document.get("seen_at")
        if seen_at and datetime.now(UTC) - datetime.fromisoformat(seen_at) > _FRESH:
            return f"notifications stand still: restart `{stetho('notify')}`"
        faults = [*map(str, self.document.get("faults", []))]
        faults += [f"{name} does not take messages: {error}" for name, error in self.errors.items()]
        return "; ".join(faults)


def write(queue: NoticeQueue, rules: Rules, faults: list[str], *, is_connected: bool) -> None:
    """Write the status of this process."""
    document = {
        "pid": os.getpid(),
        "version": __version__,
        "seen_at": rfc3339(datetime.now(UTC)),
        "connected": is_connected,
        "faults": faults,
        "receivers": list(rules.receivers),
        "rules": [
            {
                "name": rule.name,
                "on": rule.on,
                "send_to": list(rule.send_to),
                "devices": list(rule.devices),
                "labels": list(rule.labels),
                "severities": list(rule.severities),
                "held": len(queue.held(rule.name)),
            }
            for rule in rules.rules
        ],
    }
    queue.connection.execute(
        "INSERT INTO status VALUES (1, ?) ON CONFLICT DO UPDATE SET document = excluded.document",
        (strict_json.write(document),),
    )


def read(data_dir: Path, last: int = 0) -> NotifyStatus:
    """Return the status of the notifications of a site, with so many of the last messages.

    Raises:
        StoreError: the database is there and cannot be read.
    """
    path = data_dir / DIRECTORY / NAME
    if not path.exists():
        return NotifyStatus()
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", _BUSY_S, uri=True)
        try:
            return _read(connection, is_locked(path.with_name(LOCK)), last)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read ({error}): restart `{stetho('notify')}`") from error


def ask_for_test(data_dir: Path, rule: str) -> str:
    """Have a running `stetho notify` send the test message of a rule; return the id of the test.

    Raises:
        StoreError: the database cannot be written.
    """
    path = data_dir / DIRECTORY / NAME
    identity = uuid4().hex
    try:
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", _BUSY_S, uri=True) as connection:
            connection.execute("INSERT INTO test VALUES (?, ?)", (identity, rule))
        connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be written ({error}): restart `{stetho('notify')}`") from error
    return identity


def test_outcome(data_dir: Path, identity: str) -> dict[str, str] | None:
    """Return what became of a test, by receiver: an empty text, or why it failed; None: not yet known."""
    path = data_dir / DIRECTORY / NAME
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", _BUSY_S, uri=True)
        found = connection.execute(
            "SELECT receiver, attempts, error FROM delivery JOIN notice ON id = notice WHERE key = ?",
            (f"test/{identity}",),
        ).fetchall()
        connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read ({error}): restart `{stetho('notify')}`") from error
    if not found or any(attempts == 0 for _, attempts, _ in found):
        return None
    return {name: error for name, _, error in found}


def _read(connection: sqlite3.Connection, is_running: bool, last: int) -> NotifyStatus:
    row = connection.execute("SELECT document FROM status").fetchone()
    waiting = connection.execute(
        "SELECT receiver, count(*), max(error) FROM delivery WHERE state = 'waiting' GROUP BY receiver"
    ).fetchall()
    newest = connection.execute(
        "SELECT rule, occurrence, receiver, state, error, coalesce(done, made) FROM delivery "
        "JOIN notice ON id = notice ORDER BY notice DESC, receiver LIMIT ?",
        (last,),
    )
    return NotifyStatus(
        is_running,
        True,
        strict_json.read(row[0]) if row else {},
        dict(connection.execute("SELECT name, value FROM counter").fetchall()),
        {name: count for name, count, _ in waiting},
        {name: error for name, _, error in waiting if error},
        [
            {
                "rule": rule, "occurrence": Occurrence.parse(text), "receiver": receiver, "state": state,
                "error": error, "at": rfc3339(datetime.fromtimestamp(at, UTC)),
            }
            for rule, text, receiver, state, error, at in newest
        ],
    )  # fmt: skip
