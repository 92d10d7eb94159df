"""Export of recordings and exams as FHIR R4 Bundles, for electronic health records."""

import base64
import hashlib
from typing import Any, Final

from flask import Blueprint, Response, current_app
from flask.blueprints import BlueprintSetupState

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.protocol import strict_json
from history_api import lookup
from history_api.access.public_address import public_url
from history_api.models import label_words
from history_api.openapi.operation import EXAM_PARAMETERS, NOT_FOUND, RECORDING_PARAMETERS, Paths, get
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema, list_of, open_object
from history_api.reports import fhir_codes
from history_api.reports.fhir_exam_bundle import ExamBundle
from history_api.reports.fhir_recording_bundle import AudioAttachment, RecordingBundle
from history_api.reports.fhir_resource import Resource
from history_api.results.recordings import links
from history_api.services import services

MEDIA_TYPE: Final = "application/fhir+json"
_BUNDLE: Final[Schema] = open_object(
    {"resourceType": TEXT, "type": TEXT, "entry": list_of({"type": "object"})}
)
_ANSWER: Final[Schema] = {"200": {"description": "The Bundle.", "content": {MEDIA_TYPE: {"schema": _BUNDLE}}}}
blueprint = Blueprint("fhir", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/fhir.json": get(
        "the recording and its result as a FHIR R4 Bundle, without a patient",
        "fhir",
        _ANSWER | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
    "/api/v1/exams/{exam_id}/fhir.json": get(
        "an exam as a FHIR R4 Bundle: one report over the recordings that count, without a patient",
        "exam_fhir",
        _ANSWER | NOT_FOUND,
        EXAM_PARAMETERS,
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
    return _answer(_recording_bundle(lookup.recording(recording_id)).bundle())


@blueprint.get("/api/v1/exams/<exam_id>/fhir.json")
def exam_fhir_json(exam_id: str) -> Response:
    """Answer the Bundle of an exam."""
    exam = lookup.exam(exam_id)
    recordings = [_recording_bundle(entry) for entry in lookup.used_recordings(exam)]
    return _answer(ExamBundle(exam, recordings, _codes(), label_words.of_site()).bundle())


def _recording_bundle(entry: RecordingEntry) -> RecordingBundle:
    review = services().history.review(entry.device_id, entry.recording_id)
    words = label_words.of_site()
    return RecordingBundle(entry, lookup.result(entry), review, _codes(), words, audio=_attachment(entry))


def _codes() -> dict[str, Any]:
    codes: dict[str, Any] = current_app.extensions["stetho_fhir_codes"]
    return codes


def _answer(bundle: Resource) -> Response:
    return Response(strict_json.write(bundle), mimetype=MEDIA_TYPE)


def _attachment(entry: RecordingEntry) -> AudioAttachment | None:
    """Return the attachment of the audio file; None where it was removed."""
    try:
        with lookup.audio_path(entry).open("rb") as file:
            # FHIR R4 requires SHA-1; the SHA-256 of the PCM is an identifier of the Media.
            digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False))
            size = file.tell()
    except (ProblemError, OSError):
        return None
    url = public_url() + links(entry)["audio"]
    return AudioAttachment(url, size, base64.b64encode(digest.digest()).decode())
