"""List of the last sounds of a device, a retained message for displays.

Topic `stetho/v1/device/{device}/down/sounds`, QoS 1. Normative: `docs/protocol.md` § Last sounds.
"""

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, Store
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.compact_result import ROW
from edge_worker.protocol.meaning import ascii_text
from edge_worker.protocol.verdict import Verdict

MAX_SOUNDS: Final = 10
MAX_BYTES: Final = 1024

Document = dict[str, Any]


def message(device_id: str, results: Iterable[Document]) -> OutboxMessage:
    """Return the list of the events whose results are given, newest first; a recording counts once.

    An event without an accepted label is in the list, without a label: there was a sound.
    """
    sounds: dict[str, Document] = {}
    for result in results:
        # One of an earlier version must not cost the others.
        with contextlib.suppress(TypeError, LookupError):
            sounds[result["recording_id"]] = _sound(result)
    return OutboxMessage(topics.sounds(device_id), _payload([*sounds.values()]), retain=True)


def with_messages(results: Sequence[AnalysisResult], store: Store) -> list[AnalysisResult]:
    """Return `results`; the last event of each device also announces the list of its last sounds."""
    last = {each.result.device_id: each for each in results if each.result.event is not None}
    announced = {}
    for device_id, event in last.items():
        fresh = [
            each.document
            for each in reversed(results)
            if each.result.event is not None and each.result.device_id == device_id
        ]
        known = store.last_events(device_id, MAX_SOUNDS)
        sounds = message(device_id, map(json.loads, [*fresh, *known]))
        announced[event.recording] = replace(event, messages=(*event.messages, sounds))
    return [announced.get(each.recording, each) for each in results]


def _sound(result: Document) -> Document:
    verdict = Verdict.parse(result["verdict"])
    return {
        "at": result["captured_at"],
        "label": verdict.label,
        "confidence": None if verdict.confidence is None else round(verdict.confidence, 2),
        "severity": verdict.severity,
        "text": ascii_text(verdict.text, ROW),
    }


def _payload(sounds: Sequence[Document]) -> bytes:
    """Return the JSON of as many sounds as fit into `MAX_BYTES`, newest first."""
    count = MAX_SOUNDS
    while True:
        document = {"v": 1, "sounds": sounds[:count]}
        payload = strict_json.write(document).encode()
        if len(payload) <= MAX_BYTES or not count:
            return payload
        count -= 1
