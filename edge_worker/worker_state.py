"""State of the worker on its own topic: published when it changes, and again when another wrote there.

The history API writes `offline` there when it misses the heartbeat of a worker, and a broker that comes back
delivers an old state or will: a worker that runs corrects them.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Final

from edge_worker.protocol import topics
from edge_worker.publisher import Publisher
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import Supervisor
from edge_worker.telemetry.turns import Turns
from edge_worker.upkeep.living.liveness import Liveness
from edge_worker.worker_status import State, WorkerStatus

_LOG = logging.getLogger(__name__)
_CORRECT_EVERY_S: Final = 1.0


class WorkerState:
    """Publishes status and faults of one worker. Used by the network thread."""

    def __init__(
        self, settings: Settings, status: WorkerStatus, publisher: Publisher, on_change: Callable[[], None]
    ) -> None:
        """Call `on_change` when a fault begins or ends."""
        self.topic: Final = topics.worker(settings.worker_id)
        self._status = status
        self._publisher = publisher
        self._on_change = on_change
        self._supervisor = Supervisor(os.environ)
        is_alone = settings.process_count == 1  # else its supervisor says that all are alive
        self._liveness = Liveness(settings.data_dir if is_alone else None)
        self.turns: Sequence[Turns] = ()
        """Of the other threads."""
        self._hanging = ""
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

    def turn(self, now: float, *, is_connected: bool) -> None:
        """Say at each turn of the network thread what holds: where another wrote, and to the supervisor."""
        if self._is_wrong and now - self._corrected_at >= _CORRECT_EVERY_S:
            self._corrected_at = now
            self.publish()
        if self._liveness.is_due(now) and not self._is_hanging(now):
            self._liveness.say(now)
        if self._supervisor.is_due(now):
            self._supervisor.turn(
                now,
                is_ready=is_connected,
                is_working=not self._is_hanging(now),
                status=self._status.state(is_connected=True)
                if is_connected
                else "not connected to the broker",
            )

    def _is_hanging(self, now: float) -> bool:
        """Return whether another thread of this process hangs."""
        hanging = next((each.thread for each in self.turns if each.are_missed(now)), "")
        if hanging and hanging != self._hanging:
            _LOG.error(line("thread_hangs", thread=hanging))
        self._hanging = hanging
        return bool(hanging)

    def clear_fault(self, source: str) -> None:
        """Clear a fault; cheap where there is none."""
        if self._status.is_degraded:
            self.set_fault(source, "")

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
