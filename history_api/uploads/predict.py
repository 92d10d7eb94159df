"""Uploads in the words of the systems that were absorbed: raw PCM, a file, a data URI, many files.

They answer as those systems did (`docs/http-api.md` § Uploads); the sound takes the way of every upload.
"""

import base64
import binascii
import io
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, json_answer, operation
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import (
    DEVICE,
    NUMBER,
    RECORDING,
    TEXT,
    Schema,
    open_object,
    ref,
    strict_object,
)
from history_api.results import legacy_prediction
from history_api.services import services
from history_api.uploads.decoding import Pcm, take_pcm
from history_api.uploads.upload_intake import RecordingKey, UploadIntake, UploadOptions
from history_api.uploads.upload_request import (
    BYTES,
    DAMAGED,
    KEY,
    PARAMETERS,
    PENDING,
    REFUSALS,
    decoded,
    form,
    pending,
    sent_file,
    state,
    upload_options,
    wait_s,
)

_RAW_RATE_HZ: Final = 16_000
"""Of raw PCM that says nothing: the rate of the source system's device."""
_MOST_FILES: Final = 50
_MOST_BASE64: Final = 32 * 2**20
"""Characters: a text cannot be decoded on its way to the disk."""
_AUDIO_KEYS: Final = ("audio", "audio_data", "file", "data")
_RATE: Final[Schema] = {
    "name": "X-Sample-Rate",
    "in": "header",
    "schema": {
        "type": "integer",
        "minimum": MIN_RATE_HZ,
        "maximum": MAX_RATE_HZ,
        "default": _RAW_RATE_HZ,
    },
    "description": "Hz",
}
_DATA_URI: Final[Schema] = {
    "application/json": {"schema": {"type": "object", "properties": {"audio": TEXT}, "required": ["audio"]}},
    "text/plain": {"schema": TEXT},
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
blueprint = Blueprint("predict", __name__)
PATHS: Final[Paths] = {
    "/upload_audio": {
        "post": operation(
            "raw 16-bit mono PCM; label and confidence as text",
            "upload_audio",
            {"200": {"description": "As text.", "content": {"text/plain": {"schema": TEXT}}}}
            | PENDING
            | REFUSALS
            | DAMAGED,
            (*PARAMETERS, KEY, _RATE),
            {"content": {"application/octet-stream": {"schema": BYTES}}},
            role="owner",
        )
    },
    "/predict": {
        "post": operation(
            "a sound file; what one model says",
            "predict",
            _PREDICTED | PENDING | REFUSALS,
            (*PARAMETERS, KEY),
            {"content": form("file", BYTES)},
            role="owner",
        )
    },
    "/record": {
        "post": operation(
            "the same of a recording as a base64 data URI",
            "record",
            _PREDICTED | PENDING | REFUSALS,
            (*PARAMETERS, KEY),
            {"content": _DATA_URI},
            role="owner",
        )
    },
    "/batch-predict": {
        "post": operation(
            f"up to {_MOST_FILES} files under the key `files`; an answer for each",
            "batch_predict",
            {"200": json_answer(ref("BatchAnswer")), "413": PROBLEM} | UNAVAILABLE,
            PARAMETERS,
            {"content": form("files", {"type": "array", "items": BYTES})},
            role="owner",
        )
    },
}
SCHEMAS: Final[dict[str, Schema]] = {
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


@blueprint.post("/upload_audio")
def upload_audio() -> Response:
    """Take raw PCM in; answer in a line of text."""
    intake = UploadIntake(services())
    taken = intake.take(request.stream, upload_options(), partial(_raw, _sample_rate()))
    result = intake.result(taken, wait_s())
    if result is None:
        return pending(taken)
    return Response(legacy_prediction.text_line(result) + "\n", mimetype="text/plain")


@blueprint.post("/predict")
def predict() -> Response:
    """Take a file in; answer what one model says of it."""
    file = sent_file()
    return _predicted(file.stream, file.filename)


@blueprint.post("/record")
def record() -> Response:
    """Take a data URI in; answer the same."""
    return _predicted(io.BytesIO(_data_uri()), None)


@blueprint.post("/batch-predict")
def batch_predict() -> Response:
    """Take files in; answer for each, so that a bad one does not fail the others."""
    files = request.files.getlist("files")
    if not 0 < len(files) <= _MOST_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {_MOST_FILES}")
    intake = UploadIntake(services())
    intake.require_worker()
    intake.check_models(_upload_options().models)
    # All leave before the first is waited for: they are analysed side by side.
    taken = [_attempt(intake, file) for file in files]
    answers = [_batch_item(intake, each, file) for each, file in zip(taken, files, strict=True)]
    return jsonify({"results": answers, "total": len(files)})


def _attempt(intake: UploadIntake, file: FileStorage) -> RecordingKey | ProblemError:
    try:
        return intake.take(file.stream, replace(_upload_options(), key=None), decoded)
    except ProblemError as problem:
        return problem


def _batch_item(
    intake: UploadIntake, taken: RecordingKey | ProblemError, file: FileStorage
) -> dict[str, Any]:
    try:
        if isinstance(taken, ProblemError):
            raise taken
        result = intake.result(taken, wait_s())
    except ProblemError as problem:
        return {"file_name": file.filename, "status": "error", "error": problem.detail}
    if result is None:
        return {"file_name": file.filename, "status": "pending", **state(taken, None)}
    said = legacy_prediction.document(result, _upload_options().models[0], file.filename)
    return {"file_name": file.filename, "status": "success", **said}


def _predicted(body: IO[bytes], name: str | None) -> Response:
    intake, wanted = UploadIntake(services()), _upload_options()
    taken = intake.take(body, wanted, decoded)
    result = intake.result(taken, wait_s())
    if result is None:
        return pending(taken)
    document = legacy_prediction.document(result, wanted.models[0], name)
    response = jsonify(document)
    response.status_code = 200 if document["accepted"] else 422
    return response


def _upload_options() -> UploadOptions:
    """Return what a request wants; these systems had one model each, so one is asked where none is named."""
    return upload_options(default=(services().settings.predict_model,))


def _sample_rate() -> int:
    text = request.headers.get(_RATE["name"], str(_RAW_RATE_HZ))
    if not (text.isascii() and text.isdigit()) or not MIN_RATE_HZ <= int(text[:9]) <= MAX_RATE_HZ:
        raise ProblemError(
            400,
            f"{_RATE['name']} is {text!r}; it takes {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz",
            parameter=_RATE["name"],
        )
    return int(text)


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


def _raw(rate: int, file: Path, target: Path) -> Pcm:
    with file.open("rb") as stream:
        pcm = take_pcm(stream, target, rate, services().settings)
    if pcm.samples == 0:
        raise ProblemError(400, "No audio data received")
    return pcm
