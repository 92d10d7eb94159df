"""What a person is told, the list of last sounds, and how a worker that falls behind does less, evenly."""

import json
import math
from typing import Any

import pytest

from edge_worker.analysis import last_sounds
from edge_worker.protocol.live_value import LISTENING, MAX_BYTES, MAX_HINT, LiveValue, heart_hint, room_hint
from edge_worker.protocol.result import REASONS, Quality
from edge_worker.telemetry.live_metrics import MAX_STRETCH, LiveMetrics


def judged(*reasons: str) -> Quality:
    return Quality(not reasons, None, 0.0, reasons, 0.9)


@pytest.mark.parametrize(
    ("reasons", "hint"),
    [
        ((), "HR 72 good"),
        (("noisy",), "hold still"),
        (("no_heartbeat", "noisy"), "no heartbeat"),
        (("too_quiet", "no_heartbeat", "noisy"), "press firmer"),
        (("too_quiet", "clipped", "no_heartbeat"), "too loud"),
        (("too_short", "no_heartbeat"), LISTENING),
    ],
)
def test_e8_the_hint_is_about_what_is_worst(reasons: tuple[str, ...], hint: str) -> None:
    assert heart_hint(judged(*reasons), 72.4) == hint


def test_without_a_rate_a_good_sound_is_listened_to_and_a_quiet_room_is_no_fault() -> None:
    assert heart_hint(judged(), None) == LISTENING
    assert room_hint(judged("too_quiet"), None) == LISTENING
    assert room_hint(judged(), "dog_bark") == "dog bark"
    assert room_hint(judged("clipped"), "dog") == "too loud"


def test_every_reason_of_a_quality_has_a_hint_that_fits_the_display() -> None:
    for reason in REASONS:
        assert 0 < len(heart_hint(judged(reason), 220.0)) <= MAX_HINT


@pytest.mark.parametrize("label", ["normal", "x" * 64, "ö" * 64])
def test_a_live_value_fits_into_its_buffer(label: str) -> None:
    value = LiveValue("f" * 16, 86_399.1234, "y" * 40, 219.6, 0.98765, "m" * 32, label, 0.98765)
    payload = value.to_json()
    assert len(payload) <= MAX_BYTES
    document = json.loads(payload)
    assert (document["t_s"], document["bpm"], document["quality"]) == (86_399.123, 220, 0.99)
    assert len(document["hint"]) == MAX_HINT
    assert document["label"] in (label, None)
    assert (document["label"] is None) == (document["model"] is None) == (document["confidence"] is None)


def event(number: int, label: str = "dog", *, accepted: bool = True) -> dict[str, Any]:
    model = {"model": "esc50", "label": label, "confidence": 0.9123, "accepted": accepted}
    return {
        "recording_id": f"{number:016x}",
        "captured_at": f"2026-11-20T17:20:{number:02}.000Z",
        "models": [model],
    }


def test_c6_the_last_ten_sounds_fit_and_one_that_nobody_knows_has_no_label() -> None:
    results = [event(number) for number in range(30, 0, -1)]
    results[0] = event(30, accepted=False)
    message = last_sounds.message("room-01", [results[0], *results])
    assert message.topic == "stetho/v1/device/room-01/down/sounds"
    assert message.retain
    assert len(message.payload) <= last_sounds.MAX_BYTES
    sounds = json.loads(message.payload)["sounds"]
    assert len(sounds) == 10
    assert sounds[0] == {"at": "2026-11-20T17:20:30.000Z", "label": None, "confidence": None}
    assert sounds[1] == {"at": "2026-11-20T17:20:29.000Z", "label": "dog", "confidence": 0.91}


def test_c6_long_names_make_the_list_shorter_and_never_too_long() -> None:
    message = last_sounds.message("room-01", [event(number, "ü" * 64) for number in range(20)])
    assert len(message.payload) <= last_sounds.MAX_BYTES
    assert 1 <= len(json.loads(message.payload)["sounds"]) < 10


def test_who_falls_behind_does_less_and_then_as_much_as_before() -> None:
    tally, now = LiveMetrics("edge-01"), 100.0

    def keeps_up(seconds: float, waited_s: float, windows_waited_s: float, pieces_per_s: int = 100) -> None:
        for _ in range(round(seconds * pieces_per_s)):
            nonlocal now
            now += 1 / pieces_per_s
            tally.observe_delays(now, waited_s, windows_waited_s)

    keeps_up(10, 0.05, 0.2)
    assert (tally.stretch, tally.window_stretch) == (1.0, 1.0)
    keeps_up(1, 0.5, 0.2)
    assert (tally.stretch, tally.window_stretch) == (MAX_STRETCH, 1.0), "values first, windows later"
    keeps_up(3, 0.15, 5.0)
    assert tally.stretch == MAX_STRETCH, "what is just in time stays as it is"
    slow = tally.window_stretch
    assert slow == pytest.approx(math.e, rel=0.05)
    keeps_up(8, 0.01, 0.01, pieces_per_s=500)
    assert tally.window_stretch == pytest.approx(slow / math.e, rel=0.05), "however many streams there are"
    keeps_up(20, 0.01, 0.01)
    assert (tally.stretch, tally.window_stretch) == (1.0, 1.0)
