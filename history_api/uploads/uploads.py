"""Sounds that people send: each becomes a recording of a virtual device, analysed as any other."""

from typing import Final

from flask import Blueprint, Response, g, jsonify, request

from history_api.openapi.operation import NOT_FOUND, RECORDING_PARAMETERS, Paths, get, json_answer, operation
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, RECORDING, TEXT, Schema, ref, strict_object
from history_api.services import services
from history_api.uploads.upload_intake import RecordingKey, UploadIntake
from history_api.uploads.upload_request import (
    BYTES,
    DAMAGED,
    KEY,
    PARAMETERS,
    PENDING,
    REFUSALS,
    decoded,
    form,
    links,
    pending,
    sent_file,
    state,
    upload_options,
    wait_s,
)

blueprint = Blueprint("uploads", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings": {
        "post": operation(
            "send a sound; 201 with its recording when it is analysed",
            "upload",
            {"201": json_answer(ref("UploadState"), "Analysed.", {"Location": {"schema": TEXT}})}
            | PENDING
            | REFUSALS
            | DAMAGED,
            (*PARAMETERS, KEY),
            {"content": form("file", BYTES) | {"audio/*": {"schema": BYTES}}},
            role="owner",
        )
    },
    "/api/v1/uploads/{recording_id}": get(
        "what has become of an upload",
        "upload_state",
        {"200": json_answer(ref("UploadState"))} | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
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
}


@blueprint.post("/api/v1/recordings")
def upload() -> Response:
    """Take a sound in, as a form's `file` or as the body."""
    intake = UploadIntake(services())
    body = sent_file().stream if request.files else request.stream
    taken = intake.take(body, upload_options(), decoded)
    result = intake.result(taken, wait_s())
    if result is None:
        return pending(taken)
    response = jsonify(state(taken, result))
    response.status_code = 201
    response.headers["Location"] = links(taken)["recording"]
    return response


@blueprint.get("/api/v1/uploads/<recording_id>")
def upload_state(recording_id: str) -> Response:
    """Answer what has become of an upload."""
    wanted, mqtt_session = g.query["device"], services().mqtt_session
    sending = (
        set()
        if mqtt_session is None
        else {each.sound.device_id for each in mqtt_session.find_uploads(recording_id)}
    )
    stored = {entry.device_id for entry in services().history.recording(recording_id, wanted)}
    devices = sorted(stored | {each for each in sending if wanted in (None, each)})
    if not devices:
        raise ProblemError(404, "there is no such upload; what was deleted is forgotten")
    if len(devices) > 1:
        raise ProblemError(409, "several devices share this id; say which with ?device=", devices=devices)
    taken = RecordingKey(devices[0], recording_id)
    return jsonify(state(taken, services().history.document(*taken)))
