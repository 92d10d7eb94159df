"""Export of recordings and exams as FHIR R4 Bundles, for electronic health records."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, current_app, g
from flask.blueprints import BlueprintSetupState

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.protocol import strict_json
from history_api import lookup
from history_api.models import label_words
from history_api.openapi.conditional_request import drawn
from history_api.openapi.operation import (
    EXAM_PARAMETERS,
    NOT_FOUND,
    RECORDING_PARAMETERS,
    Paths,
    get,
    query,
)
from history_api.openapi.schemas import TEXT, Schema, list_of, open_object
from history_api.reports import fhir_attachment, fhir_codes, reports
from history_api.reports.fhir_attachment import Attachment
from history_api.reports.fhir_exam_bundle import ExamBundle
from history_api.reports.fhir_recording_bundle import RecordingBundle
from history_api.reports.fhir_resource import Resource
from history_api.services import services

MEDIA_TYPE: Final = "application/fhir+json"
_BUNDLE: Final[Schema] = open_object(
    {"resourceType": TEXT, "type": TEXT, "entry": list_of({"type": "object"})}
)
_ANSWER: Final[Schema] = {"200": {"description": "The Bundle.", "content": {MEDIA_TYPE: {"schema": _BUNDLE}}}}
_PDF: Final = query(
    "pdf",
    {"type": "string", "enum": ["data", "link"], "default": "data"},
    "the report in `presentedForm`: as data with its address, or by its address alone; over 1 MiB always so",
)
blueprint = Blueprint("fhir", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/fhir.json": get(
        "the recording and its result as a FHIR R4 Bundle, without a patient",
        "fhir",
        _ANSWER | NOT_FOUND,
        (*RECORDING_PARAMETERS, _PDF),
    ),
    "/api/v1/exams/{exam_id}/fhir.json": get(
        "an exam as a FHIR R4 Bundle: one report over the recordings that count, without a patient",
        "exam_fhir",
        _ANSWER | NOT_FOUND,
        (*EXAM_PARAMETERS, _PDF),
    ),
}


@blueprint.record
def _load_codes(state: BlueprintSetupState) -> None:
    """Load the codes of the site when the application is made: an invalid file ends it with one sentence."""
    settings = state.app.extensions["stetho"].settings
    state.app.extensions["stetho_fhir_codes"] = fhir_codes.load(settings.fhir_codes)


@blueprint.get("/api/v1/recordings/<recording_id>/fhir.json")
def fhir_json(recording_id: str) -> Response:
    """Answer the Bundle of a recording."""
    entry = lookup.recording(recording_id)
    pdf = _pdf(fhir_attachment.report_address(entry), partial(reports.recording_pdf, entry))
    return _answer(recording_bundle(entry, audio=fhir_attachment.audio(entry), pdf=pdf).bundle())


@blueprint.get("/api/v1/exams/<exam_id>/fhir.json")
def exam_fhir_json(exam_id: str) -> Response:
    """Answer the Bundle of an exam."""
    exam = lookup.exam(exam_id)
    entries = lookup.used_recordings(exam)
    pdf = _pdf(
        f"/api/v1/exams/{exam.exam_id}/report.pdf?device={exam.device_id}",
        partial(reports.exam_pdf, exam, entries),
    )
    recordings = [recording_bundle(entry, audio=fhir_attachment.audio(entry)) for entry in entries]
    return _answer(ExamBundle(exam, recordings, codes(), label_words.of_site(), pdf=pdf).bundle())


def recording_bundle(
    entry: RecordingEntry, *, audio: Attachment | None, pdf: Attachment | None = None
) -> RecordingBundle:
    """Return the builder of the resources of a recording."""
    review = services().history.review(entry.device_id, entry.recording_id)
    words = label_words.of_site()
    return RecordingBundle(entry, lookup.result(entry), review, codes(), words, audio=audio, pdf=pdf)


def codes() -> dict[str, Any]:
    """Return the codes of the site."""
    loaded: dict[str, Any] = current_app.extensions["stetho_fhir_codes"]
    return loaded


def _pdf(address: str, make: Callable[[], bytes]) -> Attachment:
    return fhir_attachment.pdf(address, partial(drawn, make) if g.query["pdf"] == "data" else None)


def _answer(bundle: Resource) -> Response:
    return Response(strict_json.write(bundle), mimetype=MEDIA_TYPE)
