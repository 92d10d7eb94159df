"""Worker of which a thread hangs for ever at a certain message, for a test of the watchdog."""

import sys
import threading
from typing import Final

from edge_worker.__main__ import main
from edge_worker.analysis.pipeline import Pipeline, UnanalysedRecording
from edge_worker.database.store import AnalysisResult
from edge_worker.ingest.intake_event import IntakeEvent
from edge_worker.message_router import MessageRouter
from edge_worker.mqtt.inbound import Inbound
from edge_worker.telemetry import turns

POISON: Final = b"hang"
POISONED: Final = "st-99"
"""A recording of this device hangs its analysis."""
_MISSED_AFTER_S: Final = 3.0
_ROUTE: Final = MessageRouter.route
_ANALYSE: Final = Pipeline.analyse


def route_or_hang(router: MessageRouter, message: Inbound, now: float) -> list[IntakeEvent]:
    """Take the place of `MessageRouter.route`."""
    if message.payload == POISON:
        threading.Event().wait()
    return _ROUTE(router, message, now)


def analyse_or_hang(pipeline: Pipeline, unanalysed: UnanalysedRecording) -> AnalysisResult:
    """Take the place of `Pipeline.analyse`."""
    if unanalysed.recording.device_id == POISONED:
        threading.Event().wait()
    return _ANALYSE(pipeline, unanalysed)


if __name__ == "__main__":
    turns.MISSED_AFTER_S = _MISSED_AFTER_S  # type: ignore[misc]
    Pipeline.analyse = analyse_or_hang  # type: ignore[method-assign, assignment]
    MessageRouter.route = route_or_hang  # type: ignore[method-assign, assignment]
    sys.exit(main())
