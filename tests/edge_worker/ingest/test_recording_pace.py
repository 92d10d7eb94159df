"""Pace of a recording: only what cannot be is judged."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from edge_worker.ingest.pace import Pace

RATE: Final = 8_000
CHUNK_S: Final = 0.2
BEGAN: Final = 1_790_000_000.0


def at(unix_s: float) -> dict[str, str]:
    return {"captured_at": datetime.fromtimestamp(unix_s, UTC).isoformat()}


def arrived(true_rate: int, seconds: float = 10, delay: Callable[[float], float] = lambda _: 0.0) -> Pace:
    """Return the pace of chunks of a fifth of a second, each delayed by seconds."""
    pace, now = Pace(), 0.0
    for number in range(1, round(seconds / CHUNK_S) + 1):
        recorded = number * CHUNK_S
        now = max(now, recorded + delay(recorded))
        pace.note(now, round(recorded * true_rate))
    return pace


@pytest.mark.parametrize("true_rate", [11_025, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("seconds", [6.5, 10, 600])
def test_a_device_that_records_faster_than_it_declares_is_found(true_rate: int, seconds: float) -> None:
    pace = arrived(true_rate, seconds, lambda at_s: 0.1 * (at_s * 7 % 1))
    assert pace.is_of_another_rate(RATE, BEGAN, at(BEGAN - CHUNK_S))


POSSIBLE: dict[str, Pace] = {
    "at its rate": arrived(RATE),
    "with a fast clock": arrived(RATE + RATE // 20),
    "for a moment": arrived(2 * RATE, 5),
    "slower: chunks are lost or late": arrived(RATE // 2),
    "with a pause that is caught up with": arrived(RATE, 12, lambda at_s: max(0.0, 8 - at_s)),
    "with a late start that is caught up with": arrived(RATE, 12, lambda at_s: max(0.0, 5 - at_s / 2)),
    "at no rate of a converter": arrived(13_700),
    "all at once": arrived(RATE, 60, lambda at_s: -at_s),
    "one chunk": arrived(RATE, CHUNK_S),
    "nothing": Pace(),
}


@pytest.mark.parametrize("kind", POSSIBLE)
def test_what_can_be_is_not_judged(kind: str) -> None:
    assert not POSSIBLE[kind].is_of_another_rate(RATE, BEGAN, at(BEGAN))


@pytest.mark.parametrize("captured", [at(BEGAN - 60), at(BEGAN + 60), {}, {"captured_at": None}])
def test_a_recording_that_was_kept_may_come_at_any_pace(captured: dict[str, str]) -> None:
    assert not arrived(2 * RATE).is_of_another_rate(RATE, BEGAN, captured)


def test_sound_that_is_sent_again_does_not_count() -> None:
    pace = arrived(RATE)
    for number in range(50):
        pace.note(10 + number * CHUNK_S, number * RATE // 5)
    assert not pace.is_of_another_rate(RATE, BEGAN, at(BEGAN))
