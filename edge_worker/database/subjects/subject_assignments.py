"""Whose the next recordings of a device are, as an operator says: for a time that ends by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, Self, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.schema import LONG, metadata
from edge_worker.database.site_state.site_clock import best_time
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.protocol.timestamp import rfc3339

_CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""By so much a device may say that it recorded before the assignment began."""
SOURCE: Final = "assignment"
"""Value of `subject_source` in META of a recording: the subject is not of the device."""
_KEPT: Final = timedelta(days=7)
"""So long an assignment that ended is known: a recording may wait in the spool."""

subject_assignments: Final = Table(
    "subject_assignments",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("device_id", String(32), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("begins_at", String(24), nullable=False),
    Column("ends_at", String(24), nullable=False),
    Column("assigned_by", String(64), nullable=False),
    Index("subject_assignments_by_device", "device_id", "begins_at"),
)
"""Recordings that a device begins between the two times are of the subject, unless they name one."""

_COLUMNS: Final = ("device_id", "subject", "begins_at", "ends_at", "assigned_by")
_AT: Final = CompiledStatement(
    select(*(subject_assignments.c[name] for name in _COLUMNS))
    .where(
        subject_assignments.c.device_id == bindparam("device"),
        subject_assignments.c.begins_at <= bindparam("time"),
        subject_assignments.c.ends_at > bindparam("time"),
    )
    .order_by(subject_assignments.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class SubjectAssignment:
    """Whose the recordings of a device are, from a moment to another (RFC 3339, UTC)."""

    device_id: str
    subject: str
    begins_at: str
    ends_at: str
    assigned_by: str


def subject_of(connection: Connection, device_id: str, captured_at: str, received_at: str) -> str | None:
    """Return the subject of a recording without one; None: nobody said whose it is.

    Both times must lie in the same assignment. A recording that its device kept while it was offline, or that
    comes with the time of a wrong clock, may be of whoever was there before.
    """
    found = _at(connection, device_id, received_at)
    if found is None:
        return None
    earliest = datetime.fromisoformat(found.begins_at) - _CLOCKS_DIFFER
    return found.subject if datetime.fromisoformat(captured_at) >= earliest else None


class Assignable(Protocol):
    """A recording, as far as a subject can be assigned to it."""

    @property
    def device_id(self) -> str:
        """Its device."""

    @property
    def captured_at(self) -> str:
        """When it began, by the clock of its device."""

    @property
    def received_at(self) -> str:
        """When its first chunk came."""

    @property
    def subject(self) -> str | None:
        """Its own."""

    def assigned_to(self, subject: str | None) -> Self:
        """Return it with a subject that was assigned to its device."""


R = TypeVar("R", bound=Assignable)


def named(connection: Connection, new: Iterable[R]) -> list[R]:
    """Return recordings with the subjects that were assigned to their devices; their own win."""
    return [
        each
        if each.subject is not None
        else each.assigned_to(subject_of(connection, each.device_id, each.captured_at, each.received_at))
        for each in new
    ]


class SubjectAssignmentTable(LazyDatabase):
    """The assignments of all devices, for the API."""

    def current(self, device_id: str) -> SubjectAssignment | None:
        """Return the assignment of a device now; None: there is none."""
        with self._transaction() as connection:
            return _at(connection, device_id, rfc3339(best_time(connection)))

    def begin(self, device_id: str, subject: str, length: timedelta, assigned_by: str) -> SubjectAssignment:
        """Say that the next recordings of a device are of a subject; the assignment before ends."""
        with self._transaction() as connection:
            now = best_time(connection)
            before = _at(connection, device_id, rfc3339(now))
            _end(connection, device_id, rfc3339(now))
            connection.execute(
                delete(subject_assignments).where(subject_assignments.c.ends_at < rfc3339(now - _KEPT))
            )
            # The same one again goes on: a recording that began before is not of nobody.
            is_same = before is not None and before.subject == subject
            begins_at = before.begins_at if before is not None and is_same else rfc3339(now)
            assignment = SubjectAssignment(device_id, subject, begins_at, rfc3339(now + length), assigned_by)
            values = {name: getattr(assignment, name) for name in _COLUMNS}
            connection.execute(insert(subject_assignments), values)
        return assignment

    def end(self, device_id: str) -> None:
        """End the assignment of a device now, if there is one."""
        with self._transaction() as connection:
            _end(connection, device_id, rfc3339(best_time(connection)))

    def of_subject(self, subject: str) -> list[SubjectAssignment]:
        """Return the assignments of a subject that are still known, oldest first."""
        query = select(*(subject_assignments.c[name] for name in _COLUMNS))
        query = query.where(subject_assignments.c.subject == subject).order_by(subject_assignments.c.id)
        with self._transaction() as connection:
            return [SubjectAssignment(**row._mapping) for row in connection.execute(query)]

    def forget(self, subject: str) -> int:
        """Delete the assignments of a subject; return how many there were."""
        with self._transaction() as connection:
            removal = delete(subject_assignments).where(subject_assignments.c.subject == subject)
            return connection.execute(removal).rowcount


def _at(connection: Connection, device_id: str, time: str) -> SubjectAssignment | None:
    found = _AT.found(connection, {"device": device_id, "time": time})
    return SubjectAssignment(*found[0]) if found else None


def _end(connection: Connection, device_id: str, time: str) -> None:
    is_open = (subject_assignments.c.device_id == device_id) & (subject_assignments.c.ends_at > time)
    connection.execute(update(subject_assignments).where(is_open).values(ends_at=time))
