"""Reports as PDF: of a recording, an exam, a device, and under the name that the emotion system uses."""

import re
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from edge_worker.database.history import RecordingEntry
from edge_worker.errors import AudioError
from history_api import lookup
from history_api.openapi.conditional_request import UNCHANGED, render_with_etag
from history_api.openapi.operation import (
    EXAM_PARAMETERS,
    NOT_FOUND,
    PROBLEM,
    RECORDING_PARAMETERS,
    UNAVAILABLE,
    Paths,
    file_answer,
    get,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, TEXT
from history_api.pictures import picture_cache, recording_pictures
from history_api.services import services

if TYPE_CHECKING:
    from history_api.reports.recording_report import Sight

# Serving history needs no numpy: what writes reports is imported when the first one is asked for.
# ruff: noqa: PLC0415

PDF: Final = "application/pdf"
OF_DEVICE: Final = 50
_FILENAME: Final = re.compile(r"([0-9a-f]{16})\.wav")
_DEVICE_ID: Final = re.compile(DEVICE["pattern"])
_REPORT: Final = {"200": file_answer(PDF, "The report.")} | UNCHANGED
blueprint = Blueprint("reports", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/report.pdf": get(
        "a report of the recording, to print", "report", _REPORT | NOT_FOUND, RECORDING_PARAMETERS
    ),
    "/api/v1/devices/{device_id}/report.pdf": get(
        f"a report of the last {OF_DEVICE} recordings of a device, the newest in detail",
        "device_report",
        _REPORT | {"404": PROBLEM} | UNAVAILABLE,
        ({"name": "device_id", "in": "path", "required": True, "schema": DEVICE},),
    ),
    "/api/v1/exams/{exam_id}/report.pdf": get(
        "a report of an exam: its positions, and each recording that counts",
        "exam_report",
        _REPORT | NOT_FOUND,
        EXAM_PARAMETERS,
    ),
    "/download-report/{filename}": get(
        "the report of a recording by its filename in /history, as a download",
        "download_report",
        _REPORT | NOT_FOUND,
        ({"name": "filename", "in": "path", "required": True, "schema": TEXT}, RECORDING_PARAMETERS[1]),
    ),
}


@blueprint.get("/api/v1/recordings/<recording_id>/report.pdf")
def report_pdf(recording_id: str) -> Response:
    """Answer the report of a recording, for the browser to show."""
    return _of_recording(recording_id, "inline")


@blueprint.get("/download-report/<filename>")
def download_report(filename: str) -> Response:
    """Answer the report of a recording as a file to keep; the name only says which recording."""
    named = _FILENAME.fullmatch(filename)
    if named is None:
        raise ProblemError(404, "this is no filename as GET /history gives it: <recording id>.wav")
    return _of_recording(named[1], "attachment")


@blueprint.get("/api/v1/devices/<device_id>/report.pdf")
def device_report_pdf(device_id: str) -> Response:
    """Answer the report of a device."""
    history = services().history
    entries = history.latest_recordings(device_id, OF_DEVICE) if _DEVICE_ID.fullmatch(device_id) else []
    if not entries:
        raise ProblemError(404, "no recording of this device is here; GET /api/v1/results names devices")
    reviews = [history.review(entry.device_id, entry.recording_id) for entry in entries]

    def make() -> bytes:
        from history_api.reports import recording_report

        newest = recording_report.Case(entries[0], lookup.result(entries[0]), reviews[0], _sight(entries[0]))
        others = zip(entries[1:], reviews[1:], strict=True)
        return recording_report.of_device(
            [newest, *(recording_report.Case(entry, lookup.result(entry), said) for entry, said in others)]
        )

    said = [
        (entry.document, entry.recording_id, review) for entry, review in zip(entries, reviews, strict=True)
    ]
    tag = picture_cache.name(entries[0].audio_sha256, "report.pdf", said, _has_sound(entries[0]))
    return _named(render_with_etag(tag, PDF, make), device_id, "inline")


@blueprint.get("/api/v1/exams/<exam_id>/report.pdf")
def exam_report_pdf(exam_id: str) -> Response:
    """Answer the report of an exam."""
    exam = lookup.exam(exam_id)
    entries = lookup.used_recordings(exam)
    reviews = [services().history.review(entry.device_id, entry.recording_id) for entry in entries]

    def make() -> bytes:
        from history_api.reports import exam_report, recording_report

        cases = zip(entries, reviews, strict=True)
        return exam_report.of_exam(
            exam,
            [
                recording_report.Case(entry, lookup.result(entry), said, _sight(entry))
                for entry, said in cases
            ],
        )

    shown = (exam.to_json(), reviews, [(entry.document, _has_sound(entry)) for entry in entries])
    tag = picture_cache.name("exam", "report.pdf", *shown)
    return _named(render_with_etag(tag, PDF, make), f"{exam.device_id}-exam-{exam.exam_id}", "inline")


def _of_recording(recording_id: str, disposition: str) -> Response:
    entry = lookup.recording(recording_id)
    review = services().history.review(entry.device_id, entry.recording_id)

    def make() -> bytes:
        from history_api.reports import recording_report

        return recording_report.of_recording(
            recording_report.Case(entry, lookup.result(entry), review, _sight(entry))
        )

    shown = (entry.document, entry.device_id, entry.recording_id, review, _has_sound(entry))
    tag = picture_cache.name(entry.audio_sha256, "report.pdf", *shown)
    return _named(render_with_etag(tag, PDF, make), f"{entry.device_id}-{entry.recording_id}", disposition)


def _named(response: Response, name: str, disposition: str) -> Response:
    response.headers["Content-Disposition"] = f"{disposition}; filename={name}.pdf"
    return response


def _has_sound(entry: RecordingEntry) -> bool:
    try:
        return lookup.audio_path(entry).is_file()
    except ProblemError:
        return False


def _sight(entry: RecordingEntry) -> "Sight | None":
    """Return what can be seen of a sound; a report without its sound is still a report."""
    from history_api.pictures import wav_reader, waveform
    from history_api.reports import recording_report

    try:
        path = lookup.audio_path(entry)
        return recording_report.Sight(
            wav_reader.envelope(path, waveform.COLUMNS),
            recording_pictures.kept_spectrogram(entry, path, recording_pictures.HEART_HZ),
        )
    except (ProblemError, AudioError):
        return None
