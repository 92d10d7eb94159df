"""Recordings and exams for electronic health records: FHIR R4 Bundles."""

import base64
import hashlib
import json
from typing import Any, Final

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from edge_worker.database.history import RecordingEntry
from history_api import lookup
from history_api.openapi.operation import EXAM_PARAMETERS, NOT_FOUND, RECORDING_PARAMETERS, Paths, get
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema, list_of, open_object
from history_api.reports import fhir_codes
from history_api.reports.fhir_exam_bundle import ExamExport
from history_api.reports.fhir_recording_bundle import Export, Resource, Sound
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
def _read_codes(state: BlueprintSetupState) -> None:
    """Read the codes once, before anybody is served: a wrong file ends the program with one sentence."""
    settings = state.app.extensions["stetho"].settings
    state.app.extensions["stetho_fhir_codes"] = fhir_codes.load(settings.fhir_codes)


@blueprint.get("/api/v1/recordings/<recording_id>/fhir.json")
def fhir_json(recording_id: str) -> Response:
    """Answer the Bundle of a recording."""
    return _answer(_export(lookup.recording(recording_id)).bundle())


@blueprint.get("/api/v1/exams/<exam_id>/fhir.json")
def exam_fhir_json(exam_id: str) -> Response:
    """Answer the Bundle of an exam."""
    exam = lookup.exam(exam_id)
    exports = [_export(entry) for entry in lookup.used_recordings(exam)]
    return _answer(ExamExport(exam, exports, _codes()).bundle())


def _export(entry: RecordingEntry) -> Export:
    review = services().history.review(entry.device_id, entry.recording_id)
    return Export(entry, lookup.result(entry), review, _codes(), _sound(entry))


def _codes() -> dict[str, Any]:
    codes: dict[str, Any] = current_app.extensions["stetho_fhir_codes"]
    return codes


def _answer(bundle: Resource) -> Response:
    return Response(json.dumps(bundle, ensure_ascii=False), mimetype=MEDIA_TYPE)


def _sound(entry: RecordingEntry) -> Sound | None:
    try:
        with lookup.audio_path(entry).open("rb") as file:
            # What FHIR R4 asks for; the SHA-256 of the PCM stands beside it.
            digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False))
            size = file.tell()
    except (ProblemError, OSError):
        return None
    url = request.host_url.rstrip("/") + links(entry)["audio"]
    return Sound(url, size, base64.b64encode(digest.digest()).decode())
