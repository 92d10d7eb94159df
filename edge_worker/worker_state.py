"""State of the worker on its own topic: published when it changes, and again when another wrote there.

The history API writes `offline` there when it misses the heartbeat of a worker, and a broker that comes back
delivers an old state or will: a worker that runs corrects them.
"""

import logging
import os
from collections.abc import Callable
from typing import Final

from edge_worker.protocol import topics
from edge_worker.publisher import Publisher
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import Supervisor
from edge_worker.worker_status import State, WorkerStatus

_LOG = logging.getLogger(__name__)
_CORRECT_EVERY_S: Final = 1.0
_HEARTBEAT_MISSED_AFTER_S: Final = 600.0
"""Then the thread that writes heartbeats hangs, unless disk or database refuse them: that is a fault."""


class WorkerState:
    """Publishes status and faults of one worker. Used by the network thread."""

    def __init__(
        self, worker_id: str, status: WorkerStatus, publisher: Publisher, on_change: Callable[[], None]
    ) -> None:
        """Call `on_change` when a fault begins or ends."""
        self.topic: Final = topics.worker(worker_id)
        self._status = status
        self._publisher = publisher
        self._on_change = on_change
        self._supervisor = Supervisor(os.environ)
        self._is_wrong = False
        self._corrected_at = float("-inf")

    def publish(self, state: State | None = None) -> None:
        """Publish a state, by default `degraded` or `ready`, whichever holds."""
        payload = self._status.message(state or self._status.state(is_connected=True))
        self._publisher.publish(self.topic, payload, retain=True)

    def on_message(self, payload: bytes) -> None:
        """Note whether what the broker delivered on the topic is what holds."""
        own = self._status.message(self._status.state(is_connected=True)).encode()
        self._is_wrong = payload != own

    def turn(self, now: float, heartbeat_at: float | None, *, is_connected: bool) -> None:
        """Say at each turn of the network thread what holds: where another wrote, and to systemd."""
        if self._is_wrong and now - self._corrected_at >= _CORRECT_EVERY_S:
            self._corrected_at = now
            self.publish()
        if self._supervisor.is_due(now):
            is_missed = heartbeat_at is not None and now - heartbeat_at > _HEARTBEAT_MISSED_AFTER_S
            self._supervisor.turn(
                now,
                is_ready=is_connected,
                is_working=not is_missed or self._status.is_degraded,
                status=self._status.state(is_connected=True)
                if is_connected
                else "not connected to the broker",
            )

    def set_fault(self, source: str, text: str) -> None:
        """Set or clear a fault; publish the state when that changes anything."""
        if not self._status.set_fault(source, text):
            return
        if text:
            _LOG.error(line("degraded", where=source, reason=text))
        else:
            _LOG.info(line("recovered", where=source))
        self.publish()
        self._on_change()
