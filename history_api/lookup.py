"""The recording or exam that an address means, what was said of it, and where its sound is."""

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from flask import g

from edge_worker.database.history import RecordingEntry
from edge_worker.protocol.exam import Exam
from edge_worker.protocol.topics import EXAM_ID
from edge_worker.telemetry.logfmt import line
from history_api.openapi.problem import ProblemError
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_RECORDING_ID: Final = re.compile(r"[0-9a-f]{16}")
_Of = TypeVar("_Of", RecordingEntry, Exam)


def recording(recording_id: str) -> RecordingEntry:
    """Return the recording of that id, of the device that the query names; 404 and 409 say what to do."""
    # A malformed id may not even be a text that every database takes.
    is_id = _RECORDING_ID.fullmatch(recording_id) is not None
    found = services().history.recording(recording_id, g.query["device"]) if is_id else []
    nothing = "no recording has this id; GET /api/v1/results lists those that were analysed"
    return _only(found, nothing, "a recording")


def exam(exam_id: str) -> Exam:
    """Return the exam of that id, of the device that the query names; 404 and 409 say what to do."""
    is_id = EXAM_ID.fullmatch(exam_id) is not None
    found = services().history.exam(exam_id, g.query["device"]) if is_id else []
    nothing = "no recording belongs to this exam; GET /api/v1/exams lists those that there are"
    return _only(found, nothing, "an exam")


def _only(found: Sequence[_Of], nothing: str, what: str) -> _Of:
    if not found:
        raise ProblemError(404, nothing)
    if len(found) > 1:
        devices = [each.device_id for each in found]
        raise ProblemError(
            409, f"several devices have {what} of this id; say which with ?device=", devices=devices
        )
    return found[0]


def used_recordings(exam: Exam) -> list[RecordingEntry]:
    """Return the recordings that count in `exam`, by position."""
    chosen = [position.used for position in exam.positions if position.used is not None]
    entries = (services().history.recording(each.recording_id, exam.device_id) for each in chosen)
    return [entry for found in entries for entry in found]  # one may be deleted just now


def result(entry: RecordingEntry) -> dict[str, Any] | None:
    """Return what the worker published about `entry`; None while it is being analysed."""
    document: dict[str, Any] | None = None if entry.document is None else json.loads(entry.document)
    return document


def audio_path(entry: RecordingEntry) -> Path:
    """Return the file of `entry`; whatever the database says, only files below `audio/` are served."""
    data_dir = services().settings.data_dir.resolve()
    path = (data_dir / entry.audio_file).resolve()
    if not path.is_relative_to(data_dir / "audio"):
        _LOG.error(line("audio_outside", device=entry.device_id, recording=entry.recording_id))
        raise ProblemError(404, "this recording has no audio file")
    if not path.is_file():
        raise ProblemError(410, "the audio file of this recording was removed; its result is still here")
    return path
