"""Messages of the broker as the history API takes them in: who is meant, and a document that was checked.

The topic alone says who is meant, because the broker's rights hold for topics: what a document says about
that is overwritten. This is the one place where JSON from the broker is read.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from edge_worker.protocol import topics
from edge_worker.protocol.device_report import parse_facts, parse_state
from edge_worker.protocol.strict_json import JsonError, read_object

BROKER: Final = "$SYS/broker"
"""Topics on which Mosquitto publishes its own statistics."""
_MAX_BYTES: Final = 65_536
"""Of a document of the worker; the broker takes no much larger packet."""
_WORKER_STATES: Final = ("ready", "degraded", "offline")
_CONTROLS: Final = ("missing", "stored", "rejected")
_ANSWERS: Final = ("done", "refused")
_MAX_ANSWER: Final = 64
"""Characters of each text in the answer to a command."""
Document = dict[str, Any]


class BusMessage(NamedTuple):
    """One message: `kind` is `broker`, `worker`, `result`, `exam`, `lost`, or the last level of its topic."""

    kind: str
    name: str
    """The device, the worker, or the topic of the broker."""
    document: Document
    """What is said, with the id of the device or worker that the topic names."""
    payload: bytes = b""
    """Of `pcm` and of the broker, which are no JSON."""


LOST: Final = BusMessage("lost", "", {})
"""The connection to the broker was lost."""


def read(topic: str, payload: bytes) -> BusMessage | None:
    """Return the message; None where the topic is none of ours.

    Raises:
        JsonError: the payload is not what the protocol has on this topic.
    """
    message = None
    match topic.removeprefix(f"{topics.PREFIX}/").split("/"):
        case ["$SYS", "broker", *_]:
            message = BusMessage("broker", topic, {}, payload)
        case ["worker", worker]:
            message = BusMessage("worker", worker, _with(_worker(payload), worker_id=worker))
        case ["result", device] if _is_id(device):
            message = BusMessage("result", device, _with(_result(payload), device_id=device))
        case ["exam", device, exam] if _is_id(device):
            message = BusMessage("exam", device, _with(_object(payload), device_id=device, exam=exam))
        case ["device", device, "up", "pcm"] | ["shard", _, "device", device, "up", "pcm"] if _is_id(device):
            message = BusMessage("pcm", device, {"device_id": device}, payload)
        case ["device", device, "up" | "down", kind] if _is_id(device) and kind in _READERS:
            message = BusMessage(kind, device, _with(_READERS[kind](payload), device_id=device))
    return message


def _with(document: Document, **identity: str) -> Document:
    """Return `document` with who is meant, first and whatever it says itself."""
    return identity | document | identity


def _is_id(text: str) -> bool:
    return topics.DEVICE_ID.fullmatch(text) is not None


def _object(payload: bytes) -> Document:
    return read_object(payload, _MAX_BYTES)


def _worker(payload: bytes) -> Document:
    """Return the state of a worker; none where the retained one was cleared."""
    document = _object(payload) if payload else {"state": None}
    if payload and document.get("state") not in _WORKER_STATES:
        raise JsonError(f"state is none of {', '.join(_WORKER_STATES)}")
    return document


def _result(payload: bytes) -> Document:
    """Return only which recording has a result now: the result itself comes from the database."""
    return {"recording_id": _object(payload).get("recording_id")}


def _state(payload: bytes) -> Document:
    return parse_state(payload)._asdict() if payload else {"state": None, "boot": None}


def _info(payload: bytes) -> Document:
    return {"info": parse_facts(payload) if payload else {}}


def _telemetry(payload: bytes) -> Document:
    return {"telemetry": parse_facts(payload) if payload else {}}


def _control(payload: bytes) -> Document:
    document = _object(payload)
    ranges = document.get("ranges", [])
    if document.get("type") not in _CONTROLS:
        raise JsonError(f"type is none of {', '.join(_CONTROLS)}")
    if not isinstance(ranges, list) or not all(map(_is_range, ranges)):
        raise JsonError("ranges is no list of ranges of samples")
    return document


def _answer(payload: bytes) -> Document:
    """Return what a device answers to a command; keys that we do not know are left out."""
    said = _object(payload)
    document = {key: said.get(key) for key in ("id", "answer", "reason")}
    if document["answer"] not in _ANSWERS:
        raise JsonError(f"answer is none of {', '.join(_ANSWERS)}")
    if not _is_short(document["id"]) or not (document["reason"] is None or _is_short(document["reason"])):
        raise JsonError(f"id or reason is no text of at most {_MAX_ANSWER} characters")
    return document


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_ANSWER


def _is_range(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - start and end
        return False
    start, end = value
    return _is_sample(start) and (end is None or (_is_sample(end) and end >= start))


def _is_sample(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_READERS: Final[dict[str, Callable[[bytes], Document]]] = {
    "state": _state,
    "info": _info,
    "telemetry": _telemetry,
    "live": _object,
    "control": _control,
    "answer": _answer,
}
