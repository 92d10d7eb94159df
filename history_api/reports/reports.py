"""PDF reports of recordings, exams and devices over HTTP, also at the address of the emotion system."""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from edge_worker import __version__
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.reviewing.review import Review
from edge_worker.errors import AudioError
from edge_worker.protocol.exam import Exam
from history_api import lookup
from history_api.models import label_words
from history_api.models.label_words import LabelWords
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
from history_api.reports import fonts
from history_api.services import services

if TYPE_CHECKING:
    from history_api.reports.recording_report import AudioImages, ReportedRecording

# Serving results needs neither numpy nor fpdf2: both are imported with the first report.
# ruff: noqa: PLC0415

PDF: Final = "application/pdf"
MAX_RECORDINGS: Final = 50
"""Recordings in the report of a device."""
_REPORT: Final = {"200": file_answer(PDF, "The report.")} | UNCHANGED
blueprint = Blueprint("reports", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/report.pdf": get(
        "a report of the recording, to print", "report", _REPORT | NOT_FOUND, RECORDING_PARAMETERS
    ),
    "/api/v1/devices/{device_id}/report.pdf": get(
        f"a report of the last {MAX_RECORDINGS} recordings of a device, the newest in detail",
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
        "the report of a recording by the name of its file, as in /history, as a download",
        "download_report",
        _REPORT | NOT_FOUND,
        ({"name": "filename", "in": "path", "required": True, "schema": TEXT}, RECORDING_PARAMETERS[1]),
    ),
}


@blueprint.get("/api/v1/recordings/<recording_id>/report.pdf")
def report_pdf(recording_id: str) -> Response:
    """Answer the report of a recording, for the browser to show."""
    return recording_report(lookup.recording(recording_id), "inline")


@blueprint.get("/download-report/<filename>")
def download_report(filename: str) -> Response:
    """Answer the report of the recording that was uploaded under this name last, as a download."""
    return recording_report(lookup.recording_of_file(filename), "attachment")


@blueprint.get("/api/v1/devices/<device_id>/report.pdf")
def device_report_pdf(device_id: str) -> Response:
    """Answer the report of a device."""
    entries = services().history.latest_recordings(device_id, MAX_RECORDINGS)
    if not entries and not _is_known(device_id):
        raise ProblemError(404, "nothing is known of this device; GET /api/v1/devices names those that are")
    stored = sum(each.recordings for each in services().history.devices(device_id))
    words = label_words.of_request()
    reviews = [_review(entry) for entry in entries]

    def make() -> bytes:
        from history_api.reports import device_report

        pairs = enumerate(zip(entries, reviews, strict=True))
        reported = [_reported(*pair, with_images=number == 0) for number, pair in pairs]
        return device_report.pdf(device_id, reported, stored, words)

    shown = [
        (entry.document, entry.recording_id, review) for entry, review in zip(entries, reviews, strict=True)
    ]
    facts = (device_id, shown, stored, [_has_audio(entry) for entry in entries[:1]], *_look())
    tag = picture_cache.file_name("device", "report.pdf", *facts)
    return _named(render_with_etag(tag, PDF, make), device_id, "inline")


@blueprint.get("/api/v1/exams/<exam_id>/report.pdf")
def exam_report_pdf(exam_id: str) -> Response:
    """Answer the report of an exam."""
    exam = lookup.exam(exam_id)
    entries = lookup.used_recordings(exam)
    reviews = [_review(entry) for entry in entries]
    make = partial(exam_pdf, exam, entries, label_words.of_request())
    shown = (exam.to_json(), reviews, *_look(), [(entry.document, _has_audio(entry)) for entry in entries])
    tag = picture_cache.file_name("exam", "report.pdf", *shown)
    return _named(render_with_etag(tag, PDF, make), f"{exam.device_id}-exam-{exam.exam_id}", "inline")


def recording_report(entry: RecordingEntry, disposition: str) -> Response:
    """Answer the report of a recording, for the browser to show (`inline`) or keep (`attachment`)."""
    review = _review(entry)
    make = partial(recording_pdf, entry, label_words.of_request())
    shown = (entry.document, entry.device_id, entry.recording_id, review, _has_audio(entry), *_look())
    tag = picture_cache.file_name(entry.audio_sha256, "report.pdf", *shown)
    return _named(render_with_etag(tag, PDF, make), f"{entry.device_id}-{entry.recording_id}", disposition)


def recording_pdf(entry: RecordingEntry, words: LabelWords | None = None) -> bytes:
    """Return the report of a recording; without words in the language of the site."""
    from history_api.reports import recording_report

    reported = _reported(entry, _review(entry), with_images=True)
    return recording_report.pdf(reported, words or label_words.of_site())


def exam_pdf(exam: Exam, entries: Sequence[RecordingEntry], words: LabelWords | None = None) -> bytes:
    """Return the report of an exam with `entries`, its recordings that count."""
    from history_api.reports import exam_report

    reported = [_reported(entry, _review(entry), with_images=True) for entry in entries]
    return exam_report.pdf(exam, reported, words or label_words.of_site())


def _named(response: Response, name: str, disposition: str) -> Response:
    response.headers["Content-Disposition"] = f"{disposition}; filename={name}.pdf"
    response.vary.add("Accept-Language")
    return response


def _review(entry: RecordingEntry) -> Review | None:
    return services().history.review(entry.device_id, entry.recording_id)


def _is_known(device_id: str) -> bool:
    """Return whether a device that has no recording has settings, or is connected."""
    mqtt_session = services().mqtt_session
    is_connected = mqtt_session is not None and device_id in mqtt_session.devices
    return is_connected or services().device_settings.find(device_id) is not None


def _has_audio(entry: RecordingEntry) -> bool:
    try:
        lookup.sound(entry)
    except ProblemError:
        return False
    return True


def _reported(
    entry: RecordingEntry, review: Review | None, *, with_images: bool = False
) -> "ReportedRecording":
    from history_api.reports.recording_report import ReportedRecording

    images = _images(entry) if with_images else None
    return ReportedRecording(entry, lookup.result(entry), review, images)


def _images(entry: RecordingEntry) -> "AudioImages | None":
    """Return the images of a recording; None where its audio was removed or is damaged."""
    from history_api.pictures import wav_reader, waveform
    from history_api.reports.recording_report import AudioImages

    try:
        sound = lookup.sound(entry)
        return AudioImages(
            wav_reader.read_envelope(sound, waveform.COLUMNS, entry.audio_start_s),
            recording_pictures.cached_spectrogram(entry, sound, recording_pictures.HEART_MAX_HZ),
        )
    except (ProblemError, AudioError):
        return None


def _look() -> tuple[object, ...]:
    """Return on what the look of a report depends beside what it is about."""
    return label_words.of_request().language, time.tzname, fonts.look(), __version__
