"""Export of everything that is stored of a subject: a zip file, written while it is sent."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from flask import Blueprint, Response, stream_with_context

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.subjects.subject_table import SubjectSummary
from edge_worker.protocol import strict_json
from edge_worker.protocol.timestamp import rfc3339
from history_api import lookup
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, file_answer, get
from history_api.openapi.problem import ProblemError
from history_api.results import recordings, reviews
from history_api.services import services
from history_api.subjects import subjects

MEDIA_TYPE: Final = "application/zip"
_PIECE: Final = 1 << 18
"""Bytes that are sent at once."""
_README: Final = """Everything that this site stores of one subject.

subject.json                        what there is, in numbers, and when whose stethoscope was set to it
recordings/DEVICE/ID.json           a recording with its result, all its reviews and its timeline
recordings/DEVICE/ID.wav            its sound; absent where it was removed
exams/DEVICE/ID.json                an exam, as made of its recordings now
training/DIGEST.wav                 a clip for training whose source is this subject

Labels describe a sound, they are no diagnosis. Research and education, not a medical device.
"""
blueprint = Blueprint("subject_export", __name__)
PATHS: Final[Paths] = {
    "/api/v1/subjects/{subject}/export": get(
        "everything that is stored of a subject: a zip file of JSON and WAV",
        "subject_export",
        {"200": file_answer(MEDIA_TYPE), "404": PROBLEM} | UNAVAILABLE,
        subjects.SUBJECT_PARAMETERS,
        role="operator",
    )
}


@blueprint.get("/api/v1/subjects/<subject>/export")
def subject_export(subject: str) -> Response:
    """Answer the zip file as it is written: memory does not grow with its size."""
    summary = subjects.require(subject)
    headers = {"Content-Disposition": f"attachment; filename={subject}.zip"}
    return Response(stream_with_context(_pieces(summary)), mimetype=MEDIA_TYPE, headers=headers)


class _Sink:
    """The end of a file that is sent: what was written and not yet taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes, /) -> int:
        """Keep `data` until it is taken."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written waits here."""

    def close(self) -> None:
        """Do nothing: the rest is taken afterwards."""

    def take(self, least: int = 1) -> Iterator[bytes]:
        """Yield what was written, if it is at least that much."""
        if len(self._written) >= least:
            yield bytes(self._written)
            self._written.clear()


def _pieces(summary: SubjectSummary) -> Iterator[bytes]:
    sink = _Sink()
    with ZipFile(sink, "w") as archive:
        _write(archive, "README.txt", _README)
        about = {
            "exported_at": rfc3339(datetime.now(UTC)),
            "assignments": [
                asdict(each) for each in services().subject_assignments.of_subject(summary.subject)
            ],
        }
        _write_json(archive, "subject.json", subjects.document(summary) | about)
        for entry in services().subjects.recordings(summary.subject):
            name = f"recordings/{entry.device_id}/{entry.recording_id}"
            _write_json(archive, f"{name}.json", _recording(entry))
            yield from _sound(archive, f"{name}.wav", entry, sink)
            yield from sink.take(_PIECE)
        for device_id, exam_id in summary.exams:
            for exam in services().history.exam(exam_id, device_id):
                _write_json(archive, f"exams/{device_id}/{exam_id}.json", exam.document())
        for file in services().subjects.clip_files(summary.subject):
            yield from _clip(archive, file, sink)
    yield from sink.take()


def _recording(entry: RecordingEntry) -> dict[str, Any]:
    """Return a recording with what belongs to it."""
    history = services().history
    changes = history.review_changes(entry.device_id, entry.recording_id)
    timeline = history.timeline(entry.device_id, entry.recording_id)
    return recordings.document(entry) | {
        "reviews": [reviews.document(each) for each in changes],
        "timeline": None if timeline is None else json.loads(timeline),
    }


def _sound(archive: ZipFile, name: str, entry: RecordingEntry, sink: _Sink) -> Iterator[bytes]:
    try:
        file = lookup.sound(entry).open()
    except (ProblemError, OSError):  # removed, or deleted just now
        return
    with file:
        yield from _copy(archive, name, file, sink)


def _clip(archive: ZipFile, file_name: str, sink: _Sink) -> Iterator[bytes]:
    data_dir = services().settings.data_dir.resolve()
    path = (data_dir / file_name).resolve()
    if path.is_relative_to(data_dir / "training") and path.is_file():
        with path.open("rb") as file:
            yield from _copy(archive, f"training/{path.name}", file, sink)


def _copy(archive: ZipFile, name: str, file: BinaryIO, sink: _Sink) -> Iterator[bytes]:
    """Write a file piece by piece, as it is: sound does not get smaller."""
    with archive.open(_member(name, ZIP_STORED), "w", force_zip64=True) as member:
        while piece := file.read(_PIECE):
            member.write(piece)
            yield from sink.take(_PIECE)


def _write_json(archive: ZipFile, name: str, document: dict[str, Any]) -> None:
    _write(archive, name, strict_json.write(document) + "\n")


def _write(archive: ZipFile, name: str, text: str) -> None:
    archive.writestr(_member(name, ZIP_DEFLATED), text)


def _member(name: str, compression: int) -> ZipInfo:
    now = datetime.now(UTC)
    member = ZipInfo(name, (max(now.year, 1980), now.month, now.day, now.hour, now.minute, now.second))
    member.compress_type = compression
    member.external_attr = 0o600 << 16
    return member
