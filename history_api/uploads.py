"""Sounds that people send: each becomes a recording of a virtual device, analysed as any other.

`POST /api/v1/recordings` is the address of this system; the others are those of the systems it absorbed, and
answer as those did (`docs/http-api.md` § Uploads).
"""

import base64
import binascii
import io
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from edge_worker.recording import MAX_SITE
from history_api import prediction
from history_api.decoding import FORMATS, Pcm, decode, take_pcm
from history_api.operation import (
    NOT_FOUND,
    PRINTABLE,
    PROBLEM,
    UNAVAILABLE,
    WHICH,
    Paths,
    get,
    json_answer,
    operation,
    query,
)
from history_api.problem import ProblemError
from history_api.reception import VIRTUAL_DEVICE, Reader, Reception, Taken, Wish
from history_api.schemas import DEVICE, NUMBER, RECORDING, TEXT, Schema, open_object, ref, strict_object
from history_api.services import services

_RAW_RATE_HZ: Final = 16_000
"""Of raw PCM that says nothing: the rate of the source system's device."""
_MOST_FILES: Final = 50
_MOST_BASE64: Final = 32 * 2**20
"""Characters: a text cannot be decoded on its way to the disk."""
_AUDIO_KEYS: Final = ("audio", "audio_data", "file", "data")
blueprint = Blueprint("uploads", __name__)

_WAIT: Final = query(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": 60},
    "how many seconds to wait for the result before 202; default STETHO_UPLOAD_WAIT_S",
)
_MODEL: Final = query("model", PRINTABLE, "the model to ask, or several with commas between")
_DEVICE: Final = query(
    "device", DEVICE, f"whose recording it is, 1 to 32 of a-z, 0-9 and -; default {VIRTUAL_DEVICE}"
)
_SITE: Final = query(
    "site", PRINTABLE | {"maxLength": MAX_SITE}, f"where on the chest, at most {MAX_SITE} characters"
)
_LOUDER: Final = query(
    "amplification",
    {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
    "the analysis hears the sound so many times louder; the recording is kept as it came",
)
_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "description": "the same again with the same key is the same recording, not a second one",
}
_PARAMETERS: Final = (_MODEL, _DEVICE, _SITE, _LOUDER, _WAIT, _KEY)
_BYTES: Final[Schema] = {"type": "string", "format": "binary"}
_REFUSALS: Final[Schema] = {"413": PROBLEM, "415": PROBLEM, "422": PROBLEM} | UNAVAILABLE
_PENDING: Final[Schema] = {
    "202": json_answer(
        ref("UploadState"),
        "It is kept and will be analysed; Location says where the result will be.",
        {"Location": {"schema": TEXT}},
    )
}
_PREDICTED: Final[Schema] = {
    "200": json_answer(ref("PredictAnswer"), "The model accepts its label."),
    "422": {
        "description": "The model cannot tell, or the sound is damaged.",
        "content": {
            "application/json": {"schema": ref("PredictAnswer")},
            "application/problem+json": {"schema": ref("Problem")},
        },
    },
}


def _file_body(key: str, schema: Schema) -> Schema:
    form = {"schema": {"type": "object", "properties": {key: schema}, "required": [key]}}
    return {"content": {"multipart/form-data": form}}


PATHS: Final[Paths] = {
    "/api/v1/recordings": {
        "post": operation(
            "send a sound; 201 with its recording when it is analysed",
            "upload",
            {"201": json_answer(ref("UploadState"), "Analysed.", {"Location": {"schema": TEXT}})}
            | _PENDING
            | _REFUSALS,
            _PARAMETERS,
            {
                "content": {
                    "multipart/form-data": _file_body("file", _BYTES)["content"]["multipart/form-data"],
                    "audio/*": {"schema": _BYTES},
                }
            },
            role="owner",
        )
    },
    "/api/v1/uploads/{recording_id}": get(
        "what has become of an upload",
        "upload_state",
        {"200": json_answer(ref("UploadState"))} | NOT_FOUND,
        WHICH,
    ),
    "/upload_audio": {
        "post": operation(
            "raw 16-bit mono PCM; label and confidence as text",
            "upload_audio",
            {"200": {"description": "As text.", "content": {"text/plain": {"schema": TEXT}}}}
            | _PENDING
            | _REFUSALS,
            (
                *_PARAMETERS,
                {
                    "name": "X-Sample-Rate",
                    "in": "header",
                    "schema": {
                        "type": "integer",
                        "minimum": MIN_RATE_HZ,
                        "maximum": MAX_RATE_HZ,
                        "default": _RAW_RATE_HZ,
                    },
                    "description": "Hz",
                },
            ),
            {"content": {"application/octet-stream": {"schema": _BYTES}}},
            role="owner",
        )
    },
    "/predict": {
        "post": operation(
            "a sound file; what one model says",
            "predict",
            _PREDICTED | _PENDING | {k: v for k, v in _REFUSALS.items() if k != "422"},
            _PARAMETERS,
            _file_body("file", _BYTES),
            role="owner",
        )
    },
    "/record": {
        "post": operation(
            "the same of a recording as a base64 data URI",
            "record",
            _PREDICTED | _PENDING | {k: v for k, v in _REFUSALS.items() if k != "422"},
            _PARAMETERS,
            {
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"audio": TEXT}, "required": ["audio"]}
                    },
                    "text/plain": {"schema": TEXT},
                }
            },
            role="owner",
        )
    },
    "/batch-predict": {
        "post": operation(
            f"up to {_MOST_FILES} files under the key `files`; an answer for each",
            "batch_predict",
            {"200": json_answer(ref("BatchAnswer"))}
            | {k: v for k, v in _REFUSALS.items() if k in ("413", "503")},
            (_MODEL, _DEVICE, _SITE, _LOUDER, _WAIT),
            _file_body("files", {"type": "array", "items": _BYTES}),
            role="owner",
        )
    },
}
SCHEMAS: Final[dict[str, Schema]] = {
    "UploadState": strict_object(
        {
            "state": {"type": "string", "enum": ["sending", "stored", "analysed", "refused"]},
            "recording_id": RECORDING,
            "device_id": DEVICE,
            "detail": {"type": "string", "description": "why it was refused"},
            "result": {"oneOf": [ref("Result"), {"type": "null"}]},
            "links": strict_object({"self": TEXT, "recording": TEXT}),
        },
        optional=("detail",),
    ),
    "PredictAnswer": open_object(
        {
            "model": TEXT,
            "predicted_class": {"type": "string", "description": "`unknown` where the model cannot tell"},
            "confidence": NUMBER,
            "accepted": {"type": "boolean"},
            "all_predictions": {"type": "object", "additionalProperties": NUMBER},
            "recording_id": RECORDING,
            "device_id": DEVICE,
            "timestamp": TEXT,
        }
    ),
    "BatchAnswer": strict_object(
        {"results": {"type": "array", "items": {"type": "object"}}, "total": {"type": "integer"}}
    ),
}


@blueprint.post("/api/v1/recordings")
def upload() -> Response:
    """Take a sound in, as a form's `file` or as the body."""
    taken = _take(_sent_file() if request.files else request.stream, _decoded)
    result = _await(taken)
    response = jsonify(_state(taken, result))
    response.status_code = 202 if result is None else 201
    response.headers["Location"] = _links(taken)["self" if result is None else "recording"]
    return response


@blueprint.get("/api/v1/uploads/<recording_id>")
def upload_state(recording_id: str) -> Response:
    """Answer what has become of an upload."""
    wanted, bus = g.query["device"], services().bus
    sending = set() if bus is None else {each.sound.device_id for each in bus.sending(recording_id)}
    stored = {entry.device_id for entry in services().history.recording(recording_id, wanted)}
    devices = sorted(stored | {each for each in sending if wanted in (None, each)})
    if not devices:
        raise ProblemError(404, "there is no such upload; a refused or deleted one is forgotten")
    if len(devices) > 1:
        raise ProblemError(409, "several devices share this id; say which with ?device=", devices=devices)
    taken = Taken(devices[0], recording_id)
    return jsonify(_state(taken, services().history.document(*taken)))


@blueprint.post("/upload_audio")
def upload_audio() -> Response:
    """Take raw PCM in; answer in a line of text."""
    rate = _sample_rate()
    taken = _take(request.stream, partial(_raw, rate))
    result = _await(taken)
    if result is None:
        return _pending(taken)
    return Response(prediction.line(result) + "\n", mimetype="text/plain")


@blueprint.post("/predict")
def predict() -> Response:
    """Take a file in; answer what one model says of it."""
    file = _sent_file()
    return _predicted(file.stream, file.filename)


@blueprint.post("/record")
def record() -> Response:
    """Take a data URI in; answer the same."""
    return _predicted(io.BytesIO(_data_uri()), None)


@blueprint.post("/batch-predict")
def batch_predict() -> Response:
    """Take files in; answer for each, so that a bad one does not fail the others."""
    files = request.files.getlist("files") or request.files.getlist("file")
    if not 0 < len(files) <= _MOST_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {_MOST_FILES}")
    reception = Reception(services())
    reception.bus()
    wish = _wish(key=None, default_model=True)
    reception.check_models(wish.models)
    # All leave before the first is waited for: they are analysed side by side.
    taken = [_attempt(reception, wish, file) for file in files]
    answers = [
        _batch_item(reception, each, file.filename, wish.models[0])
        for each, file in zip(taken, files, strict=True)
    ]
    return jsonify({"results": answers, "total": len(files)})


def _attempt(reception: Reception, wish: Wish, file: FileStorage) -> Taken | ProblemError:
    try:
        return reception.take(file.stream, wish, _decoded)
    except ProblemError as problem:
        return problem


def _batch_item(
    reception: Reception, taken: Taken | ProblemError, name: str | None, model: str
) -> dict[str, Any]:
    try:
        if isinstance(taken, ProblemError):
            raise taken
        result = reception.result(taken, _wait_s())
    except ProblemError as problem:
        return {"file_name": name, "status": "error", "error": problem.detail}
    if result is None:
        return {"file_name": name, "status": "pending", **_state(taken, None)}
    return {"file_name": name, "status": "success", **prediction.document(result, model, name)}


def _predicted(body: IO[bytes], name: str | None) -> Response:
    wish = _wish(key=_idempotency_key(), default_model=True)
    reception = Reception(services())
    taken = reception.take(body, wish, _decoded)
    result = reception.result(taken, _wait_s())
    if result is None:
        return _pending(taken)
    document = prediction.document(result, wish.models[0], name)
    response = jsonify(document)
    response.status_code = 200 if document["accepted"] else 422
    return response


def _take(body: IO[bytes] | FileStorage, read: Reader) -> Taken:
    stream = body.stream if isinstance(body, FileStorage) else body
    return Reception(services()).take(stream, _wish(key=_idempotency_key(), default_model=False), read)


def _await(taken: Taken) -> dict[str, Any] | None:
    return Reception(services()).result(taken, _wait_s())


def _wait_s() -> float:
    wait = g.query["wait"]
    return services().settings.upload_wait_s if wait is None else float(wait)


def _wish(*, key: str | None, default_model: bool) -> Wish:
    query = g.query
    names = tuple(filter(None, (query["model"] or "").split(",")))
    if not names and default_model:
        names = (services().settings.predict_model,)
    return Wish(names, query["device"] or VIRTUAL_DEVICE, query["site"], query["amplification"], key)


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 64 or not key.isprintable():  # noqa: PLR2004 - as documented
        raise ProblemError(
            400, "Idempotency-Key takes 1 to 64 printable characters", parameter="Idempotency-Key"
        )
    principal = getattr(g, "principal", None)
    return f"{getattr(principal, 'name', '')}/{key}"


def _sample_rate() -> int:
    text = request.headers.get("X-Sample-Rate", str(_RAW_RATE_HZ))
    if not (text.isascii() and text.isdigit()) or not MIN_RATE_HZ <= int(text[:9]) <= MAX_RATE_HZ:
        raise ProblemError(
            400,
            f"X-Sample-Rate is {text!r}; it takes {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz",
            parameter="X-Sample-Rate",
        )
    return int(text)


def _sent_file() -> FileStorage:
    file = request.files.get("file")
    if file is None:
        raise ProblemError(400, f"send the sound as a form's file under the key file: {FORMATS}")
    return file


def _data_uri() -> bytes:
    """Return the sound in a data URI: the body, or a value of a JSON object or a form."""
    if (request.content_length or 0) > _MOST_BASE64:
        raise ProblemError(413, f"a data URI has at most {_MOST_BASE64} characters; send a file to /predict")
    if request.is_json:
        sent = request.get_json(silent=True)
        values = sent if isinstance(sent, dict) else {}
    elif request.form:
        values = request.form.to_dict()
    else:
        values = {"audio": request.get_data(as_text=True)}
    text = next((values[key] for key in _AUDIO_KEYS if isinstance(values.get(key), str)), "")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(
            400, 'this is no base64; send {"audio": "data:audio/wav;base64,…"} or the data URI as the body'
        ) from None


def _decoded(file: Path, target: Path) -> Pcm:
    return decode(file, target, services().settings)


def _raw(rate: int, file: Path, target: Path) -> Pcm:
    with file.open("rb") as stream:
        pcm = take_pcm(stream, target, rate, services().settings)
    if pcm.samples == 0:
        raise ProblemError(400, "No audio data received")
    return pcm


def _pending(taken: Taken) -> Response:
    response = jsonify(_state(taken, None))
    response.status_code = 202
    response.headers["Location"] = _links(taken)["self"]
    return response


def _state(taken: Taken, result: dict[str, Any] | None) -> dict[str, Any]:
    bus = services().bus
    shipment = None if bus is None else bus.shipment(taken.device_id, taken.recording_id)
    is_sending = shipment is not None and not shipment.is_stored
    return {
        "state": "analysed" if result else "sending" if is_sending else "stored",
        "recording_id": taken.recording_id,
        "device_id": taken.device_id,
        "result": result,
        "links": _links(taken),
    }


def _links(taken: Taken) -> dict[str, str]:
    which = f"{taken.recording_id}?device={taken.device_id}"
    return {"self": f"/api/v1/uploads/{which}", "recording": f"/api/v1/recordings/{which}"}
