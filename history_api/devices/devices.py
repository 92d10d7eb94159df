"""Endpoints of devices: their recordings in numbers, and the deletion of all recordings of one."""

import logging
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker.database.device_query import DeviceSummary
from edge_worker.telemetry.logfmt import line
from history_api.devices import calibrations
from history_api.openapi.operation import (
    DEVICE_PARAMETERS,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    get,
    json_answer,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import Schema, list_of, ref, strict_object
from history_api.pictures.picture_cache import PictureCache
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_UNKNOWN: Final[Schema] = {"404": PROBLEM} | UNAVAILABLE
blueprint = Blueprint("devices", __name__, url_prefix="/api/v1/devices")
PATHS: Final[Paths] = {
    "/api/v1/devices": get(
        "the devices, with the last recording of each",
        "devices",
        {"200": json_answer(strict_object({"items": list_of(ref("Device"))}))} | UNAVAILABLE,
    ),
    "/api/v1/devices/{device_id}": get(
        "one device", "device", {"200": json_answer(ref("Device"))} | _UNKNOWN, DEVICE_PARAMETERS
    )
    | {
        "delete": operation(
            "delete all recordings of a device, permanently",
            "delete_device",
            {"204": {"description": "Deleted, now or before."}, "409": PROBLEM} | _UNKNOWN,
            DEVICE_PARAMETERS,
        )
    },
}


@blueprint.get("")
def devices() -> Response:
    """Answer all devices with recordings, by name."""
    found = services().history.devices()
    by_device = calibrations.documents()
    return jsonify({"items": [_document(each, by_device.get(each.device_id, [])) for each in found]})


@blueprint.get("/<device_id>")
def device(device_id: str) -> Response:
    """Answer one device."""
    summary = _find(device_id)
    if summary is None:
        raise _unknown()
    return jsonify(_document(summary, calibrations.documents().get(device_id, [])))


@blueprint.delete("/<device_id>")
def delete(device_id: str) -> Response:
    """Delete the analysed recordings of a device, in batches, and its calibration; 204 also when repeated."""
    deletion, count = services().deletion, 0
    while _find(device_id) and (deleted := deletion.delete_of_device(device_id).recordings):
        count += deleted
    PictureCache.from_settings(services().settings).clear()
    session = services().mqtt_session
    if session is not None:
        session.clear_retained(device_id)
    _LOG.info(line("deleted", device=device_id, recordings=count))
    left = _find(device_id)
    if left is not None:
        raise ProblemError(
            409,
            f"{left.recordings} recordings of this device are still being analysed, the others are deleted; "
            "delete again for those",
            {"Retry-After": "5"},
        )
    is_forgotten = deletion.forget_device(device_id)
    if not (count or is_forgotten or deletion.remove_leftovers(device_id)):
        raise _unknown()
    return Response(status=204)


def _find(device_id: str) -> DeviceSummary | None:
    devices = services().history.devices(device_id)
    return devices[0] if devices else None


def _unknown() -> ProblemError:
    return ProblemError(404, "this device has no recordings; GET /api/v1/devices lists those that have")


def _document(device: DeviceSummary, calibrations: list[dict[str, Any]]) -> dict[str, Any]:
    address = f"/api/v1/devices/{device.device_id}"
    results = f"/api/v1/results?device={device.device_id}"
    links = {"self": address, "results": results}
    return asdict(device) | {"calibrations": calibrations, "links": links}
