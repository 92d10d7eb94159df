"""Parameters, body and pending answer that all upload endpoints share."""

from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from flask import Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.protocol.meta import (
    MAX_AMPLIFICATION,
    MAX_FILE_NAME,
    MAX_SITE,
    SUBJECT_RULE,
    subject_refusal,
)
from history_api.openapi.operation import PRINTABLE, PROBLEM, UNAVAILABLE, json_answer, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, EXAM, TEXT, TIME, Schema, ref
from history_api.services import services
from history_api.settings import VIRTUAL_DEVICE
from history_api.uploads.decoding import FORMATS, Pcm, decode
from history_api.uploads.upload_form import has_form
from history_api.uploads.upload_intake import RecordingKey, UploadOptions

_KEY_CHARACTERS: Final = 64
PARAMETERS: Final = (
    query("model", PRINTABLE, "the model to use, or several with commas between"),
    query("device", DEVICE, f"device of the recording, 1 to 32 of a-z, 0-9 and -; default {VIRTUAL_DEVICE}"),
    query(
        "site",
        PRINTABLE | {"maxLength": MAX_SITE},
        f"auscultation site, where on the chest, at most {MAX_SITE} characters",
    ),
    query("exam", EXAM, "the exam of the recording, 1 to 32 of a-z, 0-9 and -"),
    query("subject", TEXT, f"whose sound it is, {SUBJECT_RULE}; a form may have it as a field"),
    query("captured_at", TIME, "when the sound was recorded; default: when it arrives"),
    query(
        "amplification",
        {"type": "integer", "minimum": 1, "maximum": MAX_AMPLIFICATION, "default": 1},
        "factor by which the analysis amplifies the sound; the recording is stored as it came",
    ),
    query(
        "wait",
        {"type": "integer", "minimum": 0, "maximum": 60},
        "how many seconds to wait for the result before 202; default STETHO_UPLOAD_WAIT_S",
    ),
)
KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": _KEY_CHARACTERS},
    "description": "the same sound again with the same key is the same recording, not a second one",
}
BYTES: Final[Schema] = {"type": "string", "format": "binary"}
REFUSALS: Final[Schema] = {"413": PROBLEM, "415": PROBLEM} | UNAVAILABLE
DAMAGED: Final[Schema] = {"422": PROBLEM}
PENDING: Final[Schema] = {
    "202": json_answer(
        ref("UploadState"),
        "It is stored and will be analysed; Location names the address of the result.",
        {"Location": {"schema": TEXT}},
    )
}


def form(key: str, schema: Schema) -> Schema:
    """Return the OpenAPI content of a body that is a form with files under `key`."""
    described = {"type": "object", "properties": {key: schema}, "required": [key]}
    return {"multipart/form-data": {"schema": described}}


def upload_options(file_name: str | None = None, *, default_models: tuple[str, ...] = ()) -> UploadOptions:
    """Return the options of the current request; `default_models` apply when it names none."""
    query = g.query
    models = tuple(filter(None, (query["model"] or "").split(","))) or default_models
    device = query["device"] or VIRTUAL_DEVICE
    return UploadOptions(
        models=models,
        device=device,
        site=query["site"],
        exam=query["exam"],
        subject=_subject(device),
        captured_at=query["captured_at"],
        amplification=query["amplification"],
        file_name=kept_name(file_name),
        key=_idempotency_key(),
    )


def _subject(device: str) -> str | None:
    """Return the subject in the query, else in the form of the current request.

    Raises:
        ProblemError: it is no pseudonym; or the site demands one, and `device` is set to none either (400).
    """
    sent: str | None = g.query["subject"] or (request.form.get("subject") if has_form(request) else None)
    reason = None if not sent else subject_refusal(sent)
    if reason is not None:
        raise ProblemError(400, f"subject: {reason}", parameter="subject")
    if not sent and services().settings.subject_required == "on" and not _is_assigned(device):
        raise ProblemError(
            400,
            "subject: this site wants to know whose sound it is; send ?subject=, or a form's field subject: "
            f"{SUBJECT_RULE}",
            parameter="subject",
        )
    return sent or None


def _is_assigned(device: str) -> bool:
    return services().subject_assignments.current(device) is not None


def kept_name(file_name: str | None) -> str | None:
    """Return the name of a file as it is kept: without its folders, in one line, its end where it is long."""
    name = normalize("NFC", file_name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(filter(str.isprintable, name)).strip()[-MAX_FILE_NAME:] or None


def wait_s() -> float:
    """Return how many seconds the current request waits for its result."""
    wait = g.query["wait"]
    return services().settings.upload_wait_s if wait is None else float(wait)


def sent_sound() -> FileStorage:
    """Return the sound of the current request: a file of its form, else the body, whatever type it names.

    Raises:
        ProblemError: the form has no file, or several and none under the key `file` (400).
    """
    if not has_form(request):
        return FileStorage(request.stream, filename="")  # else a temporary file would be asked for its name
    files = sent_files("file") or [file for _, file in request.files.items(multi=True)]
    if len(files) != 1:
        raise ProblemError(400, f"send the sound as a form's file under the key file: {FORMATS}")
    return files[0]


def sent_files(key: str) -> list[FileStorage]:
    """Return the files of the current request's form under `key`."""
    return request.files.getlist(key) if has_form(request) else []


def decode_file(file: Path, target: Path) -> Pcm:
    """Decode the sound in `file` to PCM in `target`, within the limits of the settings."""
    return decode(file, target, services().settings)


def pending(recording: RecordingKey) -> Response:
    """Return the answer 202: the upload is stored, and where to ask for its result."""
    response = jsonify(upload_state(recording, None))
    response.status_code = 202
    response.headers["Location"] = links(recording)["self"]
    return response


def upload_state(recording: RecordingKey, result: dict[str, Any] | None) -> dict[str, Any]:
    """Return the document `UploadState` of an upload, which has the given result."""
    session = services().mqtt_session
    publisher = None if session is None else session.uploads.find(*recording)
    document = {
        "state": "stored",
        "recording_id": recording.recording_id,
        "device_id": recording.device_id,
        "result": result,
        "links": links(recording),
    }
    if result is not None:
        return document | {"state": "analysed"}
    if publisher is not None and publisher.rejection:
        return document | {"state": "refused", "detail": publisher.rejection}
    is_sending = publisher is not None and not publisher.is_stored
    return document | ({"state": "sending"} if is_sending else {})


def links(recording: RecordingKey) -> dict[str, str]:
    """Return the addresses of an upload and of its recording."""
    which = f"{recording.recording_id}?device={recording.device_id}"
    return {"self": f"/api/v1/uploads/{which}", "recording": f"/api/v1/recordings/{which}"}


def _idempotency_key() -> str | None:
    key = request.headers.get(KEY["name"])
    if key is None:
        return None
    if not 1 <= len(key) <= _KEY_CHARACTERS or not key.isprintable():
        raise ProblemError(
            400, f"{KEY['name']} takes 1 to {_KEY_CHARACTERS} printable characters", parameter=KEY["name"]
        )
    return f"{g.principal.name}/{key}"  # each client counts its own keys
