"""The pages of devices: what is known of each, and a form for what a site wants of it."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, Response, g

from history_api.dashboard.page_rendering import DEVICE_FILTER, PAGE_ANSWER, classifier_cards, render_page
from history_api.devices import device_settings
from history_api.openapi.operation import DEVICE_PARAMETERS, UNAVAILABLE, Paths, get
from history_api.services import services

_SAID: Final = ("info", "telemetry")
"""What devices say of themselves, by topic."""
_UNKNOWN: Final[dict[str, Any]] = {"stored": None, "state": None, "said": {}, "wish": {}}
blueprint = Blueprint("device_page", __name__, url_prefix="/ui/devices")
PATHS: Final[Paths] = {
    "/ui/devices": get("the devices", "devices_page", PAGE_ANSWER | UNAVAILABLE, (DEVICE_FILTER,)),
    "/ui/devices/{device_id}": get(
        "one device, and a form for its settings",
        "device_page",
        PAGE_ANSWER | device_settings.REFUSED,
        DEVICE_PARAMETERS,
    ),
}


@blueprint.get("")
def devices() -> Response:
    """Answer the devices by name."""
    wanted = g.query["device"] or None
    return render_page("devices.html", devices=list(_devices(wanted)), asked=wanted)


@blueprint.get("/<device_id>")
def device(device_id: str) -> Response:
    """Answer one device, which need not have sent anything yet."""
    device_settings.require_name(device_id)
    settings = services().settings
    wanted = device_settings.document(device_id, services().device_settings.find(device_id))
    return render_page(
        "device.html",
        device=next(_devices(device_id), _UNKNOWN | {"device_id": device_id}),
        wanted=wanted,
        # What is wanted may be gone from here: the form must not drop it unseen.
        models=list(dict.fromkeys([*classifier_cards(), *(wanted["models"] or [])])),
        site_models=settings.models,
        site_threshold=settings.gate_threshold,
    )


def _devices(wanted: str | None) -> Iterator[dict[str, Any]]:
    """Yield what is known of devices that sent a recording, are heard now, or have settings."""
    bus = services().mqtt_session
    heard = {} if bus is None else dict(bus.devices)
    stored = {each.device_id: each for each in services().history.devices(wanted)}
    wishes = services().device_settings.documents()
    for name in sorted({*heard, *stored, *wishes}):
        if wanted in (None, name):
            now = heard.get(name, {})
            yield {
                "device_id": name,
                "stored": stored.get(name),
                "state": now.get("state"),
                "said": {key: value for kind in _SAID for key, value in _plain(now.get(kind))},
                "wish": wishes.get(name, {}),
            }


def _plain(document: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - what a device said
    """Yield what people can read of a document."""
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, str | int | float):
            yield str(key), str(value)
