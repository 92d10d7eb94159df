"""Server-sent events (WHATWG HTML, § 9.2) made of MQTT messages."""

from typing import Any, NamedTuple

from edge_worker.protocol.strict_json import write
from history_api.live import waveform
from history_api.mqtt.bus_message import BusMessage


class Event(NamedTuple):
    """An event of the stream: its type, and the JSON object that is its data."""

    kind: str
    document: dict[str, Any]

    def encode(self) -> str:
        """Return the event as text of the stream."""
        return f"event: {self.kind}\ndata: {write(self.document)}\n\n"


def event_of(message: BusMessage) -> Event | None:
    """Return the event that an MQTT message is; None where it is none.

    Of a result it has only which recording: the result itself comes from the history.
    """
    match message.kind:
        case "worker" | "exam" | "live" | "result" as kind:
            return Event(kind, message.document)
        case "pcm":
            sound = waveform.peaks(message.payload)
            return None if sound is None else Event("sound", message.document | sound)
        case "state" | "info" | "telemetry":
            return Event("device", message.document)
    return None
