"""Upload endpoints of the five systems that this one replaces: raw PCM, a file, a data URI, many files.

They answer as those systems did (`docs/http-api.md` § Uploads); behind them is the intake of all uploads.
"""

from contextlib import closing
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from history_api.openapi.operation import PROBLEM, UNAVAILABLE, Paths, json_answer, operation
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
from history_api.uploads.batch import MOST_FILES, predict_all
from history_api.uploads.raw_sound import RATE, decode_raw
from history_api.uploads.sent_text import DATA_URI, sent_text
from history_api.uploads.upload_intake import Body, UploadIntake, UploadOptions
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
    sent_sound,
    upload_options,
    wait_s,
)

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
            (*PARAMETERS, KEY, RATE),
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
            {"content": DATA_URI},
            role="owner",
        )
    },
    "/batch-predict": {
        "post": operation(
            f"up to {MOST_FILES} files under the key `files`; an answer for each",
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
    file = sent_sound()
    recording = intake.receive(file.stream, upload_options(file.filename), decode_raw)
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
    with closing(sent_text()) as body:
        return _predict(body, None)


@blueprint.post("/batch-predict")
def batch_predict() -> Response:
    """Take several files; answer for each, so that a bad one does not fail the others."""
    options = _options()

    def answer(result: dict[str, Any], file_name: str | None) -> dict[str, Any]:
        return legacy_prediction.document(result, options.models[0], file_name)

    return jsonify(predict_all(options, answer))


def _predict(body: Body, file_name: str | None) -> Response:
    intake, options = UploadIntake(services()), _options(file_name)
    recording = intake.receive(body, options, decode_file)
    result = intake.wait_for_result(recording, wait_s())
    if result is None:
        return pending(recording)
    document = legacy_prediction.document(result, options.models[0], file_name)
    response = jsonify(document)
    response.status_code = 200 if document["accepted"] else 422
    return response


def _options(file_name: str | None = None) -> UploadOptions:
    """Return the options of the request, with one model where it names none: those systems had one each."""
    return upload_options(file_name, default_models=(services().settings.predict_model,))
