"""Upload endpoints: a sound that is sent becomes a recording, of a virtual device unless it names one."""

from typing import Final

from flask import Blueprint, Response, g, jsonify

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
    decode_file,
    form,
    links,
    pending,
    sent_sound,
    upload_options,
    upload_state,
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
        "the state of an upload",
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
    """Take a sound, as a form's `file` or as the body; answer its result, or 202 while there is none."""
    intake = UploadIntake(services())
    file = sent_sound()
    recording = intake.receive(file.stream, upload_options(file.filename), decode_file)
    result = intake.wait_for_result(recording, wait_s())
    if result is None:
        return pending(recording)
    response = jsonify(upload_state(recording, result))
    response.status_code = 201
    response.headers["Location"] = links(recording)["recording"]
    return response


@blueprint.get("/api/v1/uploads/<recording_id>")
def state(recording_id: str) -> Response:
    """Answer the state of an upload."""
    wanted, session = g.query["device"], services().mqtt_session
    sending = set() if session is None else session.uploads.device_ids(recording_id)
    stored = {entry.device_id for entry in services().history.recording(recording_id, wanted)}
    devices = sorted(stored | {each for each in sending if wanted in (None, each)})
    if not devices:
        raise ProblemError(404, "there is no such upload, or it was deleted")
    if len(devices) > 1:
        raise ProblemError(409, "several devices share this id; choose one with ?device=", devices=devices)
    recording = RecordingKey(devices[0], recording_id)
    return jsonify(upload_state(recording, services().history.document(*recording)))
