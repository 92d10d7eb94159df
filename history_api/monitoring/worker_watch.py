"""Thread that misses workers: one whose heartbeat does not change any more is reported as offline.

A broker that was killed together with a worker comes back with the worker's last state, `ready`, retained:
nobody is left to correct it, and devices would believe it. A worker that runs corrects what is written here.
"""

import logging
import threading
import time
from typing import Final

from edge_worker.database.history import History
from edge_worker.database.worker_heartbeat import MISSED_AFTER_S
from edge_worker.errors import StoreError
from edge_worker.protocol import strict_json, topics
from edge_worker.telemetry.logfmt import line
from history_api.mqtt.mqtt_session import MqttSession

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 1.0


class WorkerWatch(threading.Thread):
    """Writes `offline` to the topic of a worker whose heartbeat stands still."""

    def __init__(self, history: History, session: MqttSession) -> None:
        super().__init__(name="worker-watch", daemon=True)
        self._history = history
        self._session = session
        self._seen: dict[str, tuple[str, float]] = {}
        """By worker: the time in its last heartbeat, and the monotonic time when that was first read."""
        self._written: dict[str, str] = {}
        """By worker: the heartbeat after which it was reported; reported again, it has contradicted."""
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def run(self) -> None:
        """Check every second."""
        while not self._stopping.wait(_EVERY_S):
            self.check(time.monotonic())

    def check(self, now: float) -> None:
        """Report the workers whose heartbeat has stood still for too long at `now`, a monotonic time.

        That is counted from when it was first read: whatever the wall clock says.
        """
        try:
            heartbeats = self._history.heartbeats()
        except StoreError:  # nothing is known of any worker
            return
        if not self._session.is_connected:
            self._written.clear()
        for heartbeat in heartbeats:
            worker, seen_at = heartbeat.worker_id, heartbeat.seen_at
            if self._seen.get(worker, ("", 0.0))[0] != seen_at:
                self._seen[worker] = (seen_at, now)
            elif now - self._seen[worker][1] >= MISSED_AFTER_S and self._written.get(worker) != seen_at:
                self._report(worker, seen_at)

    def _report(self, worker: str, seen_at: str) -> None:
        state = self._session.workers.get(worker, {}).get("state")
        if not self._session.is_connected or state in (None, "offline"):
            return
        self._written[worker] = seen_at
        _LOG.error(line("worker_missed", worker=worker, seen_at=seen_at, state=state))
        message = strict_json.write({"state": "offline", "reason": f"no heartbeat since {seen_at}"})
        self._session.publish_retained(topics.worker(worker), message.encode())
