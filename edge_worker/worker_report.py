"""Report of a worker about itself: the heartbeat in the database, and the same for its metrics."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from edge_worker.database.store import Store
from edge_worker.protocol.timestamp import rfc3339


class WorkerReport:
    """Writes heartbeats, and knows when it did."""

    def __init__(self, worker_id: str, store: Store, document: Callable[[], dict[str, Any]]) -> None:
        """Report what `document` returns; it is safe from any thread, and cheap."""
        self._worker_id = worker_id
        self._store = store
        self._document = document
        self._written_at: float | None = None

    def write(self) -> None:
        """Check the clock, write the heartbeat; called on the storage thread: the thread that writes."""
        self._store.clock.check()
        self._store.save_heartbeat(self._worker_id, rfc3339(datetime.now(UTC)), self._document())
        self._written_at = time.monotonic()

    def current(self) -> dict[str, Any]:
        """Return the heartbeat document of this moment, with the age of the last one that was written."""
        written_at = self._written_at
        age = {} if written_at is None else {"heartbeat_age_s": time.monotonic() - written_at}
        return self._document() | age
