"""List of the last sounds of a device: ten at most, and as many as fit."""

import json
from typing import Any

from edge_worker.analysis import last_sounds
from edge_worker.protocol.meaning import plain
from edge_worker.protocol.verdict import Verdict


def event(number: int, label: str = "dog", *, accepted: bool = True) -> dict[str, Any]:
    verdict = (
        Verdict(label, "esc50", "none", 0.9123, text=plain(label))
        if accepted
        else Verdict(text="Cannot tell")
    )
    return {
        "recording_id": f"{number:016x}",
        "captured_at": f"2026-11-20T17:20:{number:02}.000Z",
        "verdict": verdict.document(),
    }


def test_c6_the_last_ten_sounds_fit_and_an_unaccepted_label_is_null() -> None:
    results = [event(number) for number in range(30, 0, -1)]
    results[0] = event(30, accepted=False)
    message = last_sounds.message("room-01", [results[0], *results])
    assert message.topic == "stetho/v1/device/room-01/down/sounds"
    assert message.retain
    assert len(message.payload) <= last_sounds.MAX_BYTES
    sounds = json.loads(message.payload)["sounds"]
    assert len(sounds) == 10
    assert sounds[0] == {
        **{"at": "2026-11-20T17:20:30.000Z", "label": None, "confidence": None},
        **{"severity": "unknown", "text": "Cannot tell"},
    }
    assert sounds[1] == {
        **{"at": "2026-11-20T17:20:29.000Z", "label": "dog", "confidence": 0.91},
        **{"severity": "none", "text": "Dog"},
    }


def test_c6_long_names_make_the_list_shorter_and_never_too_long() -> None:
    message = last_sounds.message("room-01", [event(number, "ü" * 64) for number in range(20)])
    assert len(message.payload) <= last_sounds.MAX_BYTES
    assert 1 <= len(json.loads(message.payload)["sounds"]) < 10


def test_a_result_that_cannot_be_read_is_left_out_and_costs_no_other() -> None:
    unreadable: list[Any] = [{}, {"recording_id": "1"}, event(1) | {"verdict": [3]}, [], None]
    sounds = json.loads(last_sounds.message("room-01", [event(2), *unreadable, event(3)]).payload)["sounds"]
    assert [each["at"][-6:] for each in sounds] == ["2.000Z", "3.000Z"]
