"""HTML pages of devices: the list, and each device with a form for its settings."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, Response, g

from edge_worker.protocol.device_report import ONLINE
from history_api.dashboard.page_rendering import DEVICE_FILTER, PAGE_ANSWER, classifier_cards, render_page
from history_api.devices import assigned_subject, calibrations, command_words, device_settings
from history_api.models import label_words
from history_api.openapi.operation import DEVICE_PARAMETERS, UNAVAILABLE, Paths, get
from history_api.services import services

_REPORT_TOPICS: Final = ("info", "telemetry")
"""MQTT topics on which devices report facts of their own."""
_UNKNOWN: Final[dict[str, Any]] = {
    "stored": None,
    "review": None,
    "state": None,
    "reported": {},
    "settings": {},
}
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
    """Answer the list of devices, by name."""
    device_id = g.query["device"] or None
    return render_page("devices.html", devices=list(_devices(device_id)), device_filter=device_id)


@blueprint.get("/<device_id>")
def device(device_id: str) -> Response:
    """Answer one device, even one that has not connected yet: its settings can be made before."""
    site = services().settings
    desired = device_settings.document(device_id, services().device_settings.find(device_id))
    return render_page(
        "device.html",
        device=next(_devices(device_id), _UNKNOWN | {"device_id": device_id}),
        desired=desired,
        assigned=assigned_subject.document(device_id),
        minutes=assigned_subject.MINUTES,
        calibrations=calibrations.documents().get(device_id, []),
        # A desired model may have been removed: the form must not drop it unnoticed.
        models=list(dict.fromkeys([*classifier_cards(), *(desired["models"] or [])])),
        site_models=site.models,
        site_threshold=site.gate_threshold,
        commands=command_words.buttons(label_words.of_request().language),
        remote=command_words.page_words(label_words.of_request().language),
        # Why the buttons do nothing: the name of a text of `remote`.
        fault=_fault(device_id),
    )


def _fault(device_id: str) -> str | None:
    """Return why no command would reach a device: a name in `command_words.PAGE`; None where one would."""
    session = services().mqtt_session
    if session is None or not session.is_connected:
        return "no_broker"
    return None if session.devices.get(device_id, {}).get("state") in ONLINE else "offline"


def _devices(device_id: str | None) -> Iterator[dict[str, Any]]:
    """Yield devices that sent a recording, are connected, or have settings; only `device_id` if given."""
    mqtt_session = services().mqtt_session
    connected = {} if mqtt_session is None else dict(mqtt_session.devices)
    stored = {each.device_id: each for each in services().history.devices(device_id)}
    reviews = services().history.reviews([(name, each.last_recording_id) for name, each in stored.items()])
    settings = services().device_settings.documents()
    for name in sorted({*connected, *stored, *settings}):
        if device_id in (None, name):
            reports, last = connected.get(name, {}), stored.get(name)
            yield {
                "device_id": name,
                "stored": last,
                "review": None if last is None else reviews.get((name, last.last_recording_id)),
                "state": reports.get("state"),
                "reported": {k: v for topic in _REPORT_TOPICS for k, v in _scalars(reports.get(topic))},
                "settings": settings.get(name, {}),
            }


def _scalars(document: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON that a device sent
    """Yield the texts and numbers of a JSON object as text, those of an object in it in one; else nothing."""
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, str | int | float):
            yield str(key), str(value)
        elif parts := ", ".join(f"{name} {part}" for name, part in _scalars(value)):
            yield str(key), parts
