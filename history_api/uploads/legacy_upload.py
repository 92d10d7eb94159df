"""Upload endpoints of the five systems that this one replaces: raw PCM, a file, a data URI, many files.

They answer as those systems did (`docs/http-api.md` § Uploads); behind them is the intake of all uploads.
"""

import shutil
import tempfile
from contextlib import closing
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
from history_api.uploads.data_uri import START, Kind, SoundInText
from history_api.uploads.decoding import Pcm, copy_pcm
from history_api.uploads.upload_form import has_form
from history_api.uploads.upload_intake import Body, RecordingKey, UploadIntake, UploadOptions
from history_api.uploads.upload_request import (
    BYTES,
    DAMAGED,
    KEY,
    PARAMETERS,
    PENDING,
    REFUSALS,
    decode_file,
    form,
    pending,
    sent_files,
    sent_sound,
    upload_options,
    upload_state,
    wait_s,
)

_RAW_RATE_HZ: Final = 16_000
"""Of raw PCM without the header X-Sample-Rate: the rate of the original system's device."""
_MOST_FILES: Final = 50
_MOST_BASE64: Final = 32 * 2**20
"""Characters."""
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
        "description": "The model is not certain, or the sound is damaged.",
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
            "a sound file; the prediction of one model",
            "predict",
            _PREDICTED | PENDING | REFUSALS,
            (*PARAMETERS, KEY),
            {"content": form("file", BYTES)},
            role="owner",
        )
    },
    "/record": {
        "post": operation(
            "a sound as a base64 data URI; the prediction of one model",
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
            "predicted_class": {"type": "string", "description": "`unknown` where the model is not certain"},
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
    """Take raw PCM; answer label and confidence as a line of text."""
    intake = UploadIntake(services())
    decode = partial(_decode_raw, _sample_rate())
    recording = intake.receive(sent_sound().stream, upload_options(), decode)
    result = intake.wait_for_result(recording, wait_s())
    if result is None:
        return pending(recording)
    return Response(legacy_prediction.text_line(result) + "\n", mimetype="text/plain")


@blueprint.post("/predict")
def predict() -> Response:
    """Take a sound file; answer the prediction of one model."""
    file = sent_sound()
    return _predict(file.stream, file.filename or None)


@blueprint.post("/record")
def record() -> Response:
    """Take a sound as a data URI; answer the prediction of one model."""
    with closing(_sent_text()) as body:
        return _predict(body, None)


@blueprint.post("/batch-predict")
def batch_predict() -> Response:
    """Take several files; answer for each, so that a bad one does not fail the others."""
    files = sent_files("files")
    if not 0 < len(files) <= _MOST_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {_MOST_FILES}")
    intake, options = UploadIntake(services()), _options()
    intake.require_worker()
    intake.check_models(options.models)
    # All are published before the first is waited for: they are analysed side by side.
    recordings = [_try_receive(intake, file, options) for file in files]
    answers = [
        _batch_item(intake, recording, file, options.models[0])
        for recording, file in zip(recordings, files, strict=True)
    ]
    return jsonify({"results": answers, "total": len(files)})


def _try_receive(
    intake: UploadIntake, file: FileStorage, options: UploadOptions
) -> RecordingKey | ProblemError:
    try:
        return intake.receive(file.stream, replace(options, key=None), decode_file)
    except ProblemError as problem:
        return problem


def _batch_item(
    intake: UploadIntake, recording: RecordingKey | ProblemError, file: FileStorage, model: str
) -> dict[str, Any]:
    try:
        if isinstance(recording, ProblemError):
            raise recording
        result = intake.wait_for_result(recording, wait_s())
    except ProblemError as problem:
        return {"file_name": file.filename, "status": "error", "error": problem.detail}
    if result is None:
        return {"file_name": file.filename, "status": "pending", **upload_state(recording, None)}
    prediction = legacy_prediction.document(result, model, file.filename)
    return {"file_name": file.filename, "status": "success", **prediction}


def _predict(body: Body, file_name: str | None) -> Response:
    intake, options = UploadIntake(services()), _options()
    recording = intake.receive(body, options, decode_file)
    result = intake.wait_for_result(recording, wait_s())
    if result is None:
        return pending(recording)
    document = legacy_prediction.document(result, options.models[0], file_name)
    response = jsonify(document)
    response.status_code = 200 if document["accepted"] else 422
    return response


def _options() -> UploadOptions:
    """Return the options of the request, with one model where it names none: those systems had one each."""
    return upload_options(default_models=(services().settings.predict_model,))


def _sample_rate() -> int:
    text = request.headers.get(_RATE["name"], str(_RAW_RATE_HZ))
    if not (text.isascii() and text.isdigit()) or not MIN_RATE_HZ <= int(text[:9]) <= MAX_RATE_HZ:
        raise ProblemError(
            400,
            f"{_RATE['name']} is {text!r}; it takes {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz",
            parameter=_RATE["name"],
        )
    return int(text)


def _sent_text() -> SoundInText | IO[bytes]:
    """Return the sound in a data URI: the body, or a value of a JSON object or a form; or a form's file."""
    # One in large chunks has no length until it has come, and would be cut at the limit.
    if (request.content_length or 0) > _MOST_BASE64 or "Transfer-Encoding" in request.headers:
        raise ProblemError(
            413, f"a data URI has at most {_MOST_BASE64} characters, and states it; send a file to /predict"
        )
    if has_form(request):
        file = sent_sound().stream
        is_text = file.read(len(START)) == START
        file.seek(0)
        return SoundInText(_spooled(file), "text") if is_text else file
    return SoundInText(_spooled(request.stream), _kind())


def _kind() -> Kind:
    if request.is_json:
        return "json"
    return "form" if request.mimetype == "application/x-www-form-urlencoded" else "text"


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    """Return a file without a name that holds what is sent."""
    folder = services().settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the sound in it
    shutil.copyfileobj(stream, file)
    file.flush()
    return file


def _decode_raw(sample_rate: int, file: Path, target: Path) -> Pcm:
    with file.open("rb") as stream:
        pcm = copy_pcm(stream, target, sample_rate, services().settings)
    if pcm.samples == 0:
        raise ProblemError(400, "No audio data received")
    return pcm
