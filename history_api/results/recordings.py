"""One recording over HTTP: its facts with the result, its audio file, its deletion."""

import json
import logging
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.wsgi import wrap_file

from edge_worker.analysis import last_sounds
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.protocol import topics
from edge_worker.telemetry.logfmt import line
from history_api import lookup
from history_api.mqtt.mqtt_session import MqttSession
from history_api.openapi.conditional_request import ETAG, UNCHANGED, with_etag
from history_api.openapi.operation import (
    NOT_FOUND,
    PROBLEM,
    RECORDING_PARAMETERS,
    Paths,
    get,
    json_answer,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import RECORDING, Schema, ref
from history_api.pictures.picture_cache import PictureCache
from history_api.results import reviews
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
blueprint = Blueprint("recordings", __name__, url_prefix="/api/v1/recordings/<recording_id>")
_PIECE: Final = 1 << 16
"""Bytes of sound that are read at once."""
_WAV: Final[Schema] = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}": get(
        "a recording with its result, null while it is being analysed",
        "recording",
        {"200": json_answer(ref("Recording"), headers=ETAG)} | UNCHANGED | NOT_FOUND,
        RECORDING_PARAMETERS,
    )
    | {
        "delete": operation(
            "delete a recording with its sound, result and review, for good",
            "delete_recording",
            {"204": {"description": "Deleted, now or before."}} | NOT_FOUND,
            RECORDING_PARAMETERS,
        )
    },
    "/api/v1/recordings/{recording_id}/audio.wav": get(
        "the sound of a recording, 16-bit PCM; conditional and range requests work",
        "audio",
        {
            "200": {"description": "The file.", "content": _WAV},
            "206": {"description": "The bytes asked for.", "content": _WAV},
            "304": {"description": "Unchanged: ETag is the SHA-256 of the PCM."},
            "410": PROBLEM,
            "416": PROBLEM,
        }
        | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
}


@blueprint.get("")
def recording(recording_id: str) -> Response:
    """Answer the facts of a recording; `result` is null while it is being analysed."""
    return with_etag(jsonify(document(lookup.recording(recording_id))))


@blueprint.delete("")
def delete(recording_id: str) -> Response:
    """Delete a recording for good; answer 204 even if it was deleted before."""
    deletion = services().deletion
    try:
        entry = lookup.recording(recording_id)
    except ProblemError as problem:
        is_id = re.fullmatch(RECORDING["pattern"], recording_id) is not None
        if (
            problem.status == HTTPStatus.NOT_FOUND
            and is_id
            and deletion.remove_leftovers(g.query["device"], recording_id)
        ):
            return Response(status=204)
        raise
    newest = services().history.latest_recordings(entry.device_id, 1)
    is_newest = bool(newest) and newest[0].recording_id == entry.recording_id
    deleted = deletion.delete(entry.device_id, entry.recording_id)
    if not deleted.recordings and entry.document is None:
        raise ProblemError(
            409, "the recording is still being analysed; delete it afterwards", {"Retry-After": "5"}
        )
    PictureCache.from_settings(services().settings).remove(entry.audio_sha256)
    _clear_retained(entry, is_newest=is_newest)
    _LOG.info(line("deleted", device=entry.device_id, recording=entry.recording_id))
    return Response(status=204)


def _clear_retained(entry: RecordingEntry, *, is_newest: bool) -> None:
    """Remove a deleted recording from the retained MQTT messages, which displays show."""
    mqtt_session = services().mqtt_session
    if mqtt_session is None:
        return
    if is_newest:
        mqtt_session.publish_retained(topics.device_result(entry.device_id), b"")
    if "event" in (lookup.result(entry) or {}):
        publish_last_sounds(mqtt_session, entry.device_id)


def publish_last_sounds(mqtt_session: MqttSession, device_id: str) -> None:
    """Publish the list of the last sounds of a device anew, for displays; nothing where none is left."""
    left = services().history.last_events(device_id, last_sounds.MAX_SOUNDS)
    message = last_sounds.message(device_id, map(json.loads, left))
    mqtt_session.publish_retained(message.topic, message.payload if left else b"")


@blueprint.get("/audio.wav")
def audio(recording_id: str) -> Response:
    """Answer the audio as 16-bit WAV; supports conditional and range requests."""
    entry = lookup.recording(recording_id)
    sound = lookup.sound(entry)
    file = sound.open()
    body = wrap_file(request.environ, file, _PIECE)
    response = Response(body, mimetype="audio/wav", direct_passthrough=True)
    response.call_on_close(file.close)
    response.content_length = sound.size
    response.last_modified = datetime.fromtimestamp(sound.changed_at, UTC)
    response.set_etag(entry.audio_sha256)
    name = f"{entry.device_id}-{entry.recording_id}.wav"
    response.headers["Content-Disposition"] = f"inline; filename={name}"
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request, accept_ranges=True, complete_length=sound.size)
    return response


def document(entry: RecordingEntry) -> dict[str, Any]:
    """Return the document `Recording`."""
    return {
        "recording_id": entry.recording_id,
        "device_id": entry.device_id,
        "received_at": entry.received_at,
        "captured_at": entry.captured_at,
        "captured_at_source": entry.captured_at_source,
        "completeness": entry.completeness,
        "missing": entry.missing,
        "meta": entry.meta,
        "audio": {
            "sample_rate": entry.sample_rate,
            "channels": entry.channels,
            "samples": entry.samples,
            "duration_s": round(entry.samples / entry.sample_rate, 3),
            "kept_from": entry.audio_start,
            "sha256": entry.audio_sha256,
        },
        "analysed_at": entry.analysed_at,
        "result": lookup.result(entry),
        "review": reviews.document(services().history.review(entry.device_id, entry.recording_id)),
        "links": links(entry),
    }


def links(entry: RecordingEntry) -> dict[str, str]:
    """Return the addresses of a recording and its audio, with the device: an id is unique only per device."""
    address = f"/api/v1/recordings/{entry.recording_id}"
    query = f"?device={quote(entry.device_id)}"
    return {"self": address + query, "audio": f"{address}/audio.wav{query}"}
