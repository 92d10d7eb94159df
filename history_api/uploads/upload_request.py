"""What all uploads have in common: what they may say, how their sound is read, what is answered meanwhile."""

from pathlib import Path
from typing import Any, Final

from flask import Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.ingest.recording import MAX_AMPLIFICATION, MAX_SITE
from history_api.openapi.operation import PRINTABLE, PROBLEM, UNAVAILABLE, json_answer, query
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, EXAM, TEXT, Schema, ref
from history_api.services import services
from history_api.uploads.decoding import FORMATS, Pcm, decode
from history_api.uploads.upload_intake import VIRTUAL_DEVICE, RecordingKey, UploadOptions

_KEY_CHARACTERS: Final = 64
MODEL: Final = query("model", PRINTABLE, "the model to ask, or several with commas between")
PARAMETERS: Final = (
    MODEL,
    query("device", DEVICE, f"whose recording it is, 1 to 32 of a-z, 0-9 and -; default {VIRTUAL_DEVICE}"),
    query("site", PRINTABLE | {"maxLength": MAX_SITE}, f"where on the chest, at most {MAX_SITE} characters"),
    query("exam", EXAM, "the exam that it belongs to, 1 to 32 of a-z, 0-9 and -"),
    query(
        "amplification",
        {"type": "integer", "minimum": 1, "maximum": MAX_AMPLIFICATION, "default": 1},
        "the analysis hears the sound so many times louder; the recording is kept as it came",
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
    "description": "the same again with the same key is the same recording, not a second one",
}
BYTES: Final[Schema] = {"type": "string", "format": "binary"}
REFUSALS: Final[Schema] = {"413": PROBLEM, "415": PROBLEM} | UNAVAILABLE
DAMAGED: Final[Schema] = {"422": PROBLEM}
PENDING: Final[Schema] = {
    "202": json_answer(
        ref("UploadState"),
        "It is kept and will be analysed; Location says where the result will be.",
        {"Location": {"schema": TEXT}},
    )
}


def form(key: str, schema: Schema) -> Schema:
    """Return the content of a body that is a form with files under `key`."""
    described = {"type": "object", "properties": {key: schema}, "required": [key]}
    return {"multipart/form-data": {"schema": described}}


def upload_options(*, default: tuple[str, ...] = ()) -> UploadOptions:
    """Return what a request wants done; `default` are the models that are asked when it names none."""
    said = g.query
    names = tuple(filter(None, (said["model"] or "").split(","))) or default
    device = said["device"] or VIRTUAL_DEVICE
    return UploadOptions(names, device, said["site"], said["exam"], said["amplification"], _idempotency_key())


def wait_s() -> float:
    """Return how long the request wants to wait for its result."""
    wait = g.query["wait"]
    return services().settings.upload_wait_s if wait is None else float(wait)


def sent_file() -> FileStorage:
    """Return the form's `file`."""
    file = request.files.get("file")
    if file is None:
        raise ProblemError(400, f"send the sound as a form's file under the key file: {FORMATS}")
    return file


def decoded(file: Path, target: Path) -> Pcm:
    """Write the sound in `file` to `target` as PCM."""
    return decode(file, target, services().settings)


def pending(taken: RecordingKey) -> Response:
    """Answer that an upload is kept, and where to ask for it."""
    response = jsonify(state(taken, None))
    response.status_code = 202
    response.headers["Location"] = links(taken)["self"]
    return response


def state(taken: RecordingKey, result: dict[str, Any] | None) -> dict[str, Any]:
    """Return what has become of an upload."""
    mqtt_session = services().mqtt_session
    publisher = None if mqtt_session is None else mqtt_session.find_upload(*taken)
    document = {
        "state": "stored",
        "recording_id": taken.recording_id,
        "device_id": taken.device_id,
        "result": result,
        "links": links(taken),
    }
    if result is not None:
        return document | {"state": "analysed"}
    if publisher is not None and publisher.problem:
        return document | {"state": "refused", "detail": publisher.problem}
    is_sending = publisher is not None and not publisher.is_stored
    return document | ({"state": "sending"} if is_sending else {})


def links(taken: RecordingKey) -> dict[str, str]:
    """Return where an upload and its recording are."""
    which = f"{taken.recording_id}?device={taken.device_id}"
    return {"self": f"/api/v1/uploads/{which}", "recording": f"/api/v1/recordings/{which}"}


def _idempotency_key() -> str | None:
    key = request.headers.get(KEY["name"])
    if key is None:
        return None
    if not 1 <= len(key) <= _KEY_CHARACTERS or not key.isprintable():
        raise ProblemError(
            400, f"{KEY['name']} takes 1 to {_KEY_CHARACTERS} printable characters", parameter=KEY["name"]
        )
    # Of whoever sent it: two people may count alike.
    return f"{g.principal.name}/{key}"
