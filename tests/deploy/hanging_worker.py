"""Worker whose network thread hangs for ever at a certain message, for a test of the watchdog."""

import sys
import threading
from typing import Final

from edge_worker.__main__ import main
from edge_worker.connection import Inbound
from edge_worker.ingest.intake_event import IntakeEvent
from edge_worker.message_router import MessageRouter

POISON: Final = b"hang"
_ROUTE: Final = MessageRouter.route


def route_or_hang(router: MessageRouter, message: Inbound, now: float) -> list[IntakeEvent]:
    """Take the place of `MessageRouter.route`."""
    if message.payload == POISON:
        threading.Event().wait()
    return _ROUTE(router, message, now)


if __name__ == "__main__":
    MessageRouter.route = route_or_hang  # type: ignore[method-assign, assignment]
    sys.exit(main())
