"""Heartbeats of workers: a row for each, written every few seconds and read by the history API."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from edge_worker.database.schema import workers


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """The last heartbeat of a worker."""

    worker_id: str
    seen_at: str
    """RFC 3339, UTC, `Z`."""
    document: dict[str, Any]
    """State, models, versions and counters of the worker."""


def find_all(connection: Connection) -> list[WorkerHeartbeat]:
    """Return the last heartbeat of every worker, the newest first."""
    query = select(workers).order_by(workers.c.seen_at.desc())
    return [WorkerHeartbeat(**row._mapping) for row in connection.execute(query)]


def last_seen(connection: Connection, worker_id: str) -> str | None:
    """Return the time of a worker's last heartbeat, RFC 3339, None where there is none."""
    query = select(func.max(workers.c.seen_at)).where(workers.c.worker_id == worker_id)
    return connection.execute(query).scalar()


def save(connection: Connection, heartbeat: WorkerHeartbeat) -> None:
    """Insert or replace the heartbeat of a worker."""
    values = {"seen_at": heartbeat.seen_at, "document": heartbeat.document}
    change = update(workers).where(workers.c.worker_id == heartbeat.worker_id)
    if connection.execute(change.values(**values)).rowcount == 0:
        connection.execute(insert(workers), {"worker_id": heartbeat.worker_id, **values})
