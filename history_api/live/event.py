"""Server-sent events (WHATWG HTML, § 9.2) made of MQTT messages."""

import json
from typing import Any, Final, NamedTuple

from edge_worker.protocol import topics
from history_api.live import waveform

_DEVICE_MESSAGES: Final = ("state", "info", "telemetry")


class Event(NamedTuple):
    """An event of the stream: its type, and the JSON object that is its data."""

    kind: str
    document: dict[str, Any]

    def encode(self) -> str:
        """Return the event as text of the stream."""
        return f"event: {self.kind}\ndata: {json.dumps(self.document)}\n\n"


def event_of(topic: str, payload: bytes) -> Event | None:
    """Return the event that an MQTT message is; None where it is none.

    Of a result it has only the device: the result itself comes from the history.
    """
    match topic.removeprefix(topics.PREFIX).split("/")[1:]:
        case ["result", device]:
            return Event("result", {"device_id": device})
        case ["worker", worker]:
            return Event("worker", {"worker_id": worker, **_json_object(payload)})
        case ["exam" as kind, device, _] | ["device", device, "down", "live" as kind]:
            return Event(kind, {"device_id": device, **_json_object(payload)})
        case ["device", device, "up", "pcm"]:
            sound = waveform.peaks(payload)
            return None if sound is None else Event("sound", {"device_id": device, **sound})
        case ["device", device, "up", kind] if kind in _DEVICE_MESSAGES:
            document = _json_object(payload)
            facts = document if kind == "state" else {kind: document}
            return Event("device", {"device_id": device, **facts})
    return None


def _json_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in `payload`, an empty one where there is none."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
