"""Endpoints of the settings of a device: its models, and whether a gate cuts its sound into events."""

import logging
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.database.device_settings import DesiredSettings
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.protocol.meta import MAX_MODELS
from edge_worker.telemetry.logfmt import line
from history_api.openapi.operation import (
    DEVICE_PARAMETERS,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    json_answer,
    json_body,
    operation,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, TEXT, TIME, Schema, list_of, or_null, ref, strict_object
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_ADDRESS: Final = "/api/v1/devices/{device_id}/settings"
REFUSED: Final[Schema] = {"404": PROBLEM} | UNAVAILABLE
_MODELS: Final[Schema] = or_null(list_of(TEXT)) | {
    "minItems": 1,
    "maxItems": MAX_MODELS,
    "uniqueItems": True,
    "description": "names; of several findings the first one is the answer; null: those of `STETHO_MODELS`",
}
_THRESHOLD: Final[Schema] = {
    "type": ["number", "null"],
    "minimum": 0.0001,
    "maximum": 1,
    "description": "RMS that opens the gate, of full scale; null: `STETHO_GATE_THRESHOLD`",
}
_GATE: Final = or_null(
    strict_object({"on": {"type": "boolean"}, "threshold": _THRESHOLD}, optional=("threshold",))
)
SCHEMAS: Final[dict[str, Schema]] = {
    "NewDeviceSettings": strict_object({"models": _MODELS, "gate": _GATE}, optional=("models", "gate")),
    "DeviceSettings": strict_object(
        {
            "device_id": DEVICE,
            "models": _MODELS,
            "gate": strict_object({"on": {"type": "boolean"}, "threshold": _THRESHOLD}),
            "changed_at": or_null(TIME),
            "changed_by": or_null(TEXT),
        }
    ),
}
blueprint = Blueprint("device_settings", __name__, url_prefix="/api/v1/devices/<device_id>/settings")
PATHS: Final[Paths] = {
    _ADDRESS: {
        "get": operation(
            "the settings of a device, which need not have sent anything yet",
            "device_settings",
            {"200": json_answer(ref("DeviceSettings"))} | REFUSED,
            DEVICE_PARAMETERS,
        ),
        "put": operation(
            "set which models classify the sound of a device, and whether a gate cuts it into events",
            "put_device_settings",
            {"200": json_answer(ref("DeviceSettings"))} | REFUSED,
            DEVICE_PARAMETERS,
            json_body(ref("NewDeviceSettings")),
        ),
        "delete": operation(
            "reset a device to the settings of the worker",
            "delete_device_settings",
            {"204": {"description": "Reset."}} | REFUSED,
            DEVICE_PARAMETERS,
        ),
    }
}


@blueprint.get("")
def settings(device_id: str) -> Response:
    """Answer the settings of a device."""
    return jsonify(document(device_id, services().device_settings.find(device_id)))


@blueprint.put("")
def put(device_id: str) -> Response:
    """Replace the settings of a device; workers apply them within a second or two."""
    _require_models(g.body.get("models") or [])
    desired = services().device_settings.put(device_id, g.body, g.principal.name)
    _LOG.info(line("device_settings", device=device_id, by=desired.changed_by))
    return jsonify(document(device_id, desired))


@blueprint.delete("")
def reset(device_id: str) -> Response:
    """Reset a device to the settings of the worker."""
    if services().device_settings.find(device_id) is not None:
        services().device_settings.put(device_id, {}, g.principal.name)
    return Response(status=204)


def document(device_id: str, desired: DesiredSettings | None) -> dict[str, Any]:
    """Return the document `DeviceSettings` of a device; None: it has no settings of its own."""
    own = {} if desired is None else desired.document
    gate = own.get("gate") or {"on": False}
    return {
        "device_id": device_id,
        "models": own.get("models"),
        "gate": {"on": gate["on"], "threshold": gate.get("threshold")},
        "changed_at": None if desired is None else desired.changed_at,
        "changed_by": None if desired is None else desired.changed_by,
    }


def _require_models(models: list[str]) -> None:
    """Raise ProblemError 400 unless the site has these models: every result would be an error."""
    known = ModelRegistry.from_settings(services().settings).classifiers()
    unknown = [model for model in models if model not in known]
    if unknown:
        raise ProblemError(
            400,
            f"there is no model {unknown[0]!r} here; there are {', '.join(known) or 'none'}",
            pointer="/models",
        )
