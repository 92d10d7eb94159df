"""Room for uploads, on the disk and with the worker, which may be slow: checked before a body is read."""

import shutil
from functools import partial
from typing import Final

from flask import Flask, g, request

from edge_worker.upkeep.disk_reserve import least_free
from history_api.access.long_requests import takes_sound
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.problem import DETAILS, ProblemError
from history_api.services import services
from history_api.settings import VIRTUAL_DEVICE, ApiSettings

_COPIES: Final = 3
"""Of one upload at the same time: the form's file, the sound as it was sent, and as PCM."""
_RECORDINGS: Final = 4
"""Of the largest size, that may wait to be stored for one device."""


def register(app: Flask, settings: ApiSettings, operations: OperationLookup) -> None:
    """Refuse uploads to `app` that have no room; register it after `long_requests`."""
    app.before_request(partial(_require_room, settings, operations))


def _require_room(settings: ApiSettings, operations: OperationLookup) -> None:
    operation = operations.of_request()
    if operation is None or not takes_sound(operation) or not settings.data_dir.exists():
        return
    usage = shutil.disk_usage(settings.data_dir)
    if usage.free < least_free(usage.total) + _COPIES * (request.content_length or 0):
        raise ProblemError(507, DETAILS[507], {"Retry-After": "60"})
    session = services().mqtt_session
    device = g.query.get("device") or VIRTUAL_DEVICE
    waiting = 0 if session is None else session.uploads.waiting_bytes(device)
    if waiting >= _RECORDINGS * settings.max_recording_mb << 20:
        raise ProblemError(
            503,
            f"{waiting >> 20} MiB of {device} wait for the worker already; send more when it has stored them",
            {"Retry-After": "30"},
        )
