"""When open recordings get their hints."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from edge_worker.ingest.recording import Recording
from edge_worker.live.preview_schedule import FIRST_PREVIEW_S, TURN_S, PreviewSchedule
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS

RATE = 4000
CHUNK_S = 0.2
End = Callable[[PreviewSchedule, Recording], None]


def _close(schedule: PreviewSchedule, one: Recording) -> None:
    schedule.forget(one.key)


def _leave(schedule: PreviewSchedule, _one: Recording) -> None:
    schedule.release(ALL_SHARDS)


def recording(device: str = "st-01") -> Recording:
    return Recording(device, 7, RATE, 1, 0.0)


def hints(schedule: PreviewSchedule, recordings: list[Recording], seconds: float) -> dict[str, list[float]]:
    """Return by device when there are hints of recordings whose sound arrives as it is recorded.

    Each begins some time after the one before.
    """
    shown: dict[str, list[float]] = {each.device_id: [] for each in recordings}
    for step in range(1, round(seconds / CHUNK_S) * 10):
        now = 100 + step * CHUNK_S / 10
        for number, each in enumerate(recordings):
            chunk, rest = divmod(step - 3 * number, 10)
            if chunk > 0 and not rest:
                each.received.add(round((chunk - 1) * CHUNK_S * RATE), round(chunk * CHUNK_S * RATE))
                schedule.note(each, now)
        for preview in schedule.due(now):
            shown[preview.recording.device_id].append(round(now - 100, 2))
    return shown


def test_hints_come_once_a_second_as_soon_as_they_can_tell_something() -> None:
    (shown,) = hints(PreviewSchedule(), [recording()], 6).values()
    assert FIRST_PREVIEW_S <= shown[0] < FIRST_PREVIEW_S + TURN_S + CHUNK_S
    assert all(later - before == TURN_S == 1 for before, later in pairwise(shown))
    assert len(shown) >= 4


def test_hints_of_several_come_at_the_same_moments() -> None:
    shown = hints(PreviewSchedule(), [recording(f"st-{number:02}") for number in range(8)], 7)
    assert all(len(each) >= 4 for each in shown.values())
    assert len({at for each in shown.values() for at in each}) <= 7 / TURN_S


def test_there_is_nothing_to_wait_for_without_new_sound() -> None:
    schedule, one = PreviewSchedule(), recording()
    assert schedule.wait_s(100.0) == float("inf")
    schedule.note(one, 98.0)
    one.received.add(0, 2 * RATE)
    assert schedule.note(one, 100.0), "the first one"
    assert 0 <= schedule.wait_s(100.0) <= TURN_S
    assert schedule.due(100.0 + TURN_S)
    assert schedule.wait_s(100.0 + TURN_S) == float("inf")


def test_a_recording_that_begins_anew_under_its_id_gets_its_own_hints() -> None:
    schedule = PreviewSchedule()
    hints(schedule, [recording()], 3)
    again = recording()
    again.received.add(0, 2 * RATE)
    schedule.note(again, 103.0)
    (preview,) = schedule.due(103.0 + TURN_S)
    assert preview.recording is again


@pytest.mark.parametrize("end", [_close, _leave])
def test_a_recording_that_is_closed_or_moves_away_gets_no_more_hints(end: End) -> None:
    schedule, one = PreviewSchedule(), recording()
    one.received.add(0, 2 * RATE)
    schedule.note(one, 100.0)
    end(schedule, one)
    assert not schedule.due(100.0 + TURN_S)
