"""Live values: hints for a display, and the size of the payload."""

import json

import pytest

from edge_worker.protocol.live_value import LISTENING, MAX_BYTES, MAX_HINT, LiveValue, heart_hint, room_hint
from edge_worker.protocol.result import REASONS, Quality
from edge_worker.protocol.verdict import Verdict


def quality(*reasons: str) -> Quality:
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
        (("interleaved",), "check the device"),
    ],
)
def test_e8_the_hint_is_about_the_worst_reason(reasons: tuple[str, ...], hint: str) -> None:
    assert heart_hint(quality(*reasons), 72.4) == hint


def test_the_hint_is_listening_without_a_heart_rate_and_in_a_quiet_room() -> None:
    assert heart_hint(quality(), None) == LISTENING
    assert room_hint(quality("too_quiet"), "") == LISTENING
    assert room_hint(quality(), "Straßenmusik") == "Strassenmusik"
    assert room_hint(quality("clipped"), "dog") == "too loud"
    assert room_hint(quality("stuck_bit"), "dog") == "check the device"


def test_every_reason_of_a_quality_has_a_hint_that_fits_the_display() -> None:
    for reason in REASONS:
        assert 0 < len(heart_hint(quality(reason), 220.0)) <= MAX_HINT


@pytest.mark.parametrize("label", ["normal", "x" * 64, "ö" * 64])
def test_a_live_value_fits_into_its_buffer(label: str) -> None:
    verdict = Verdict(label, "m" * 32, "finding", 0.98765, text="z" * 40)
    value = LiveValue("f" * 16, 86_399.1234, "y" * 40, 219.6, 0.98765, verdict)
    payload = value.to_json()
    assert len(payload) <= MAX_BYTES
    document = json.loads(payload)
    assert (document["t_s"], document["bpm"], document["quality"]) == (86_399.123, 220, 0.99)
    assert len(document["hint"]) == MAX_HINT
    assert document["label"] in (label, None)
    assert (document["label"] is None) == (document["model"] is None) == (document["confidence"] is None)
