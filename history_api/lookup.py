"""Lookup of the recording or exam that a request names, of its result and of its sound."""

import json
import logging
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from flask import g

from edge_worker.audio_store.sound import Sound
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.errors import AudioError
from edge_worker.protocol.exam import Exam
from edge_worker.telemetry.logfmt import line
from history_api.openapi.problem import ProblemError
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_OWN_FILE_NAME: Final = re.compile(r"([0-9a-f]{16})\.wav")
_Match = TypeVar("_Match", RecordingEntry, Exam)


def recording(recording_id: str) -> RecordingEntry:
    """Return the recording of this id, of the device in the query if any.

    Raises:
        ProblemError: there is none (404), or several devices have one (409).
    """
    entries = services().history.recording(recording_id, g.query["device"])
    none = "no recording has this id; GET /api/v1/results lists those that were analysed"
    return _only(entries, none, "a recording")


def recording_of_file(file_name: str) -> RecordingEntry:
    """Return the last recording that was uploaded under this name, or has the id in it: `<id>.wav`.

    Raises:
        ProblemError: there is none (404), or several devices have the id (409).
    """
    entry = services().history.recording_of_file(file_name, g.query["device"])
    if entry is not None:
        return entry
    match = _OWN_FILE_NAME.fullmatch(file_name)
    if match is None:
        raise ProblemError(404, "no file was uploaded under this name; GET /history has the names")
    return recording(match[1])


def recording_of_stem(stem: str) -> RecordingEntry:
    """Return the last recording that was uploaded under this name, of whatever kind; raises as the above."""
    entry = services().history.recording_of_stem(stem, g.query["device"])
    return entry or recording_of_file(f"{stem.removesuffix('.wav')}.wav")


def exam(exam_id: str) -> Exam:
    """Return the exam of this id, of the device in the query if any.

    Raises:
        ProblemError: there is none (404), or several devices have one (409).
    """
    exams = services().history.exam(exam_id, g.query["device"])
    none = "no recording belongs to this exam; GET /api/v1/exams lists those that exist"
    return _only(exams, none, "an exam")


def _only(matches: Sequence[_Match], none: str, kind: str) -> _Match:
    if not matches:
        raise ProblemError(404, none)
    if len(matches) > 1:
        devices = [each.device_id for each in matches]
        raise ProblemError(
            409, f"several devices have {kind} of this id; choose one with ?device=", devices=devices
        )
    return matches[0]


def used_recordings(exam: Exam) -> list[RecordingEntry]:
    """Return the recordings that `exam` uses, one per position."""
    used = [position.used for position in exam.positions if position.used is not None]
    matches = (services().history.recording(each.recording_id, exam.device_id) for each in used)
    return [entry for entries in matches for entry in entries]  # none of one that was deleted just now


def result(entry: RecordingEntry) -> dict[str, Any] | None:
    """Return what the worker published about `entry`; None while it is being analysed."""
    document: dict[str, Any] | None = None if entry.document is None else json.loads(entry.document)
    return document


def sound(entry: RecordingEntry) -> Sound:
    """Return the sound of `entry`; only what is a sound is served, whatever the database has.

    Raises:
        ProblemError: it has none (404), or it was removed (410).
        StoreError: the store of sounds cannot be reached now.
    """
    try:
        found = services().audio.find(entry.audio_file)
    except AudioError as error:
        _LOG.error(line("audio_outside", device=entry.device_id, recording=entry.recording_id))
        raise ProblemError(404, "this recording has no audio file") from error
    if found is None:
        raise ProblemError(410, "the audio file of this recording was removed; its result is still here")
    return found
