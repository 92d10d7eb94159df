"""The last sounds of a device, retained for a display. Normative: `docs/protocol.md` § Last sounds."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from edge_worker.database.store import OutboxMessage
from edge_worker.protocol import topics

MAX_SOUNDS: Final = 10
MAX_BYTES: Final = 1024

Document = dict[str, Any]


def message(device_id: str, results: Iterable[Document]) -> OutboxMessage:
    """Return the list that results of events, newest first, make; a result counts once.

    What is not accepted is a sound without a label: something was to be heard.
    """
    by_id = {result["recording_id"]: result for result in results}
    return OutboxMessage(
        topics.sounds(device_id), _payload([_sound(each) for each in by_id.values()]), retain=True
    )


def _sound(result: Document) -> Document:
    label = next((each for each in result["models"] if each["accepted"]), None)
    return {
        "at": result["captured_at"],
        "label": None if label is None else label["label"],
        "confidence": None if label is None else round(label["confidence"], 2),
    }


def _payload(sounds: Sequence[Document]) -> bytes:
    """Return as many sounds as fit, newest first."""
    count = MAX_SOUNDS
    while True:
        document = {"v": 1, "sounds": sounds[:count]}
        payload = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        if len(payload) <= MAX_BYTES or not count:
            return payload
        count -= 1
