"""Rows of workers: which have written a heartbeat, and the end of those that will not run again."""

from edge_worker.database import worker_heartbeat
from edge_worker.database.engine import LazyDatabase


class WorkerRows(LazyDatabase):
    """Heartbeats in a database that exists. Every method may raise StoreError."""

    def ids(self) -> set[str]:
        """Return the ids of all workers that have written a heartbeat."""
        with self._transaction() as connection:
            return {each.worker_id for each in worker_heartbeat.find_all(connection)}

    def delete(self, worker_id: str) -> None:
        """Delete the heartbeat of a worker that will not run again."""
        with self._transaction() as connection:
            worker_heartbeat.remove(connection, worker_id)
