"""Reception of messages: each is routed and acknowledged, or waits while disk or database refuse it."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from edge_worker.database.postgresql.reason import said
from edge_worker.database.store import LookupFault
from edge_worker.ingest.intake_event import IntakeEvent
from edge_worker.message_router import MessageRouter
from edge_worker.mqtt.inbound import Inbound
from edge_worker.worker_state import WorkerState

_RETRY_S: Final = 1.0
Acknowledge = Callable[[Inbound], None]
"""Tells the session that a message came from that the broker may forget it."""


class Reception:
    """What comes in from devices. Used by the network thread."""

    def __init__(
        self,
        router: MessageRouter,
        state: WorkerState,
        *,
        handle: Callable[[Iterable[IntakeEvent]], None],
        request_repair: Callable[[Exception], None],
    ) -> None:
        """Hand the events that messages lead to on with `handle`."""
        self._router = router
        self._state = state
        self._handle = handle
        self._request_repair = request_repair
        self._deferred: deque[tuple[Inbound, Acknowledge]] = deque()
        """Messages that disk or database refused, and those that came after them, in order."""
        self._retry_at = 0.0

    @property
    def waits(self) -> bool:
        """Whether messages wait for disk or database."""
        return bool(self._deferred)

    def receive(self, message: Inbound, acknowledge: Acknowledge) -> None:
        """Receive a message, or defer it behind others that disk or database refuse for now."""
        if self._deferred or not self._receive(message, acknowledge):
            self._deferred.append((message, acknowledge))

    def forget(self, acknowledge: Acknowledge) -> None:
        """Drop the deferred messages of a session that has ended: the broker delivers them again."""
        self._deferred = deque(each for each in self._deferred if each[1] != acknowledge)

    def retry(self, now: float) -> bool:
        """Receive what was deferred, if it is time; return whether none of it waits any more."""
        if now < self._retry_at:
            return False
        while self._deferred:
            if not self._receive(*self._deferred[0]):
                return False
            self._deferred.popleft()
        return True

    def _receive(self, message: Inbound, acknowledge: Acknowledge) -> bool:
        """Process and acknowledge one message; return False when disk or database refuse it for now.

        One that raises any other exception would raise it at each delivery: it is set aside and acknowledged.
        """
        now = time.monotonic()
        try:
            self._handle(self._router.route(message, now))
        except (OSError, *LookupFault) as error:
            self._state.set_fault("intake", said(error))
            self._request_repair(error)
            self._retry_at = now + _RETRY_S
            return False
        except Exception as error:
            self._handle(self._router.refuse(message, error, now))
        acknowledge(message)
        self._state.clear_fault("intake")
        return True
