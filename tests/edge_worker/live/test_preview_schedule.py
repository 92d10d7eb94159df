"""When an open recording gets a hint."""

from itertools import pairwise

from edge_worker.ingest.recording import Recording
from edge_worker.live.preview_schedule import FIRST_PREVIEW_S, PREVIEW_EVERY_S, PreviewSchedule

RATE = 4000


def hints(schedule: PreviewSchedule, recording: Recording, seconds: float) -> list[float]:
    """Return when there are hints of a recording whose sound arrives as it is recorded."""
    shown = []
    for chunk in range(round(seconds * 5)):
        recording.received.add(chunk * RATE // 5, (chunk + 1) * RATE // 5)
        now = 100 + (chunk + 1) / 5
        if schedule.due(recording, now) is not None:
            shown.append(round(now - 100, 1))
    return shown


def test_hints_come_once_a_second_as_soon_as_they_can_tell_something() -> None:
    shown = hints(PreviewSchedule(), Recording("st-01", 7, RATE, 1, 0.0), 6)
    assert FIRST_PREVIEW_S <= shown[0] < FIRST_PREVIEW_S + 0.2
    assert all(PREVIEW_EVERY_S <= later - before <= 1.1 for before, later in pairwise(shown))
    assert len(shown) == 5


def test_a_recording_that_begins_anew_under_its_id_gets_its_own_hints() -> None:
    schedule = PreviewSchedule()
    first = Recording("st-01", 7, RATE, 1, 0.0)
    hints(schedule, first, 3)
    again = Recording("st-01", 7, RATE, 1, 0.0)
    again.received.add(0, 2 * RATE)
    preview = schedule.due(again, 103.0)
    assert preview is not None
    assert preview.recording is again
