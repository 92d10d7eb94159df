"""Heartbeats of workers: a row for each, written every few seconds and read by the history API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from edge_worker.database.schema import workers
from edge_worker.database.site_state.clock_check import text_of
from edge_worker.database.site_state.clock_reading import ClockReading

EVERY_S: Final = 4.0
"""A worker writes one this often."""
MISSED_AFTER_S: Final = 8.0
"""Two heartbeats: then everybody counts a worker as gone, and names it within 10 s."""


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """The last heartbeat of a worker."""

    worker_id: str
    seen_at: str
    """RFC 3339, UTC, `Z`; as read, by what the wall clock says now: no jump makes a heartbeat old."""
    document: dict[str, Any]
    """State, models, versions and counters of the worker; `clock`: the reading of its clocks."""

    def age_s(self, now: datetime) -> float:
        """Return how old it is at `now`, an aware time."""
        return (now - datetime.fromisoformat(self.seen_at)).total_seconds()

    def is_fresh(self, now: datetime) -> bool:
        """Return whether its worker runs, as far as a heartbeat tells; one of the future tells nothing."""
        return abs(self.age_s(now)) < MISSED_AFTER_S

    def dated(self, now: ClockReading) -> "WorkerHeartbeat":
        """Return this heartbeat with the time that the clock of `now` would have said when it was written."""
        clock = self.document.get("clock")
        written = None if clock is None else ClockReading.from_document(clock)
        if written is None or written.boot != now.boot:
            return self
        seen_at = text_of(now.wall_s - written.elapsed_s(now))
        return WorkerHeartbeat(self.worker_id, seen_at, self.document)


def find_all(connection: Connection) -> list[WorkerHeartbeat]:
    """Return the last heartbeat of every worker, the newest first."""
    now = ClockReading.now()
    found = [WorkerHeartbeat(**row._mapping).dated(now) for row in connection.execute(select(workers))]
    return sorted(found, key=lambda each: each.seen_at, reverse=True)


def last_seen(connection: Connection, worker_id: str) -> str | None:
    """Return the time of a worker's last heartbeat, RFC 3339, None where there is none."""
    return next((each.seen_at for each in find_all(connection) if each.worker_id == worker_id), None)


def remove(connection: Connection, worker_id: str) -> None:
    """Delete the heartbeat of a worker that will not run again."""
    connection.execute(delete(workers).where(workers.c.worker_id == worker_id))


def save(connection: Connection, heartbeat: WorkerHeartbeat) -> None:
    """Insert or replace the heartbeat of a worker."""
    values = {"seen_at": heartbeat.seen_at, "document": heartbeat.document}
    change = update(workers).where(workers.c.worker_id == heartbeat.worker_id)
    if connection.execute(change.values(**values)).rowcount == 0:
        connection.execute(insert(workers), {"worker_id": heartbeat.worker_id, **values})
