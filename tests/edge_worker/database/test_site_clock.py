"""The checked clock: which times are believed, what a jump does, and how wrong times are corrected."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from test_store import RESULT, STORED

from edge_worker import RELEASED
from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.database.engine import connect
from edge_worker.database.schema import recordings
from edge_worker.database.site_state.clock_check import HELD_S, ClockState, judge, text_of
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.database.site_state.site_tables import uncertain_times
from edge_worker.database.store import AnalysisResult, Store

pytest_plugins = ["store_fixtures"]

DAY_S, YEAR_S = 86_400.0, 365 * 86_400.0
NOW = datetime(2027, 3, 1, tzinfo=UTC).timestamp()
"""A time after the release at which the tests play."""
IN_1970, IN_2036 = 110.0, datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC).timestamp()


class Clocks:
    """Both clocks of a machine, moved by the test."""

    def __init__(self, wall_s: float) -> None:
        self.wall_s, self.uptime_s, self.boot = wall_s, 50.0, "first"

    def run(self, seconds: float) -> None:
        self.wall_s += seconds
        self.uptime_s += seconds

    def restart(self, wall_s: float, boot: str) -> None:
        self.wall_s, self.uptime_s, self.boot = wall_s, 10.0, boot


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks(NOW)
    monkeypatch.setattr(
        ClockReading, "now", lambda: ClockReading(clocks.wall_s, clocks.boot, clocks.uptime_s)
    )
    return clocks


def reading(wall_s: float, uptime_s: float = 0.0, boot: str = "first") -> ClockReading:
    return ClockReading(wall_s, boot, uptime_s)


@pytest.mark.parametrize(
    ("wall_s", "state"),
    [
        (RELEASED.timestamp(), "ok"),
        (NOW, "ok"),
        (RELEASED.timestamp() + 4 * YEAR_S, "ok"),
        (RELEASED.timestamp() - 1, "behind"),
        (IN_1970, "behind"),
        (0.0, "behind"),
        (IN_2036, "ahead"),
        (4_294_967_295.0, "ahead"),
        (253_402_300_799.0, "ahead"),
    ],
)
def test_the_first_time_of_a_site_is_believed_if_it_is_possible(wall_s: float, state: ClockState) -> None:
    verdict = judge(None, reading(wall_s))
    assert verdict.state == state
    assert verdict.is_believed or text_of(wall_s)[:10] in verdict.sentence


@pytest.mark.parametrize(
    ("step_s", "state"),
    [
        (0.0, "ok"),
        (3600.0, "ok"),
        (-3600.0, "ok"),
        (-DAY_S - 1, "behind"),
        (-60 * YEAR_S, "behind"),
        (DAY_S + 1, "settling"),
        (90 * DAY_S, "settling"),
        (10 * YEAR_S, "ahead"),
        (1000 * YEAR_S, "ahead"),
    ],
)
@pytest.mark.parametrize("boot", ["first", "second"])
def test_a_time_must_follow_from_the_last_one_that_was_believed(
    step_s: float, state: ClockState, boot: str
) -> None:
    passed_s = 7200.0 if boot == "first" else 0.0
    now = reading(NOW + passed_s + step_s, 9200.0, boot)
    verdict = judge(reading(NOW, 2000.0), now)
    assert verdict.state == state
    assert verdict.at == (now.wall_s if state == "ok" else NOW + passed_s)


def test_a_jump_does_not_move_the_time_that_recordings_get(
    store: Store, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    clock = store.clock
    clock.check()
    for wrong_s in (IN_2036, IN_1970, NOW + 90 * DAY_S):
        clocks.run(60)
        right_s, clocks.wall_s = clocks.wall_s, wrong_s
        clock.check()
        assert not clock.is_believed
        assert clock.now() == pytest.approx(right_s)
        clocks.wall_s = right_s
        clock.check()
        assert clock.is_believed
        assert clock.now() == pytest.approx(right_s)
    assert [
        each.getMessage().split()[1] for each in caplog.records if "event=clock " in each.getMessage()
    ] == [f"state={state}" for wrong in ("ahead", "behind", "settling") for state in (wrong, "ok")]
    assert caplog.text.count("event=clock_stepped") == 6


def test_a_clock_that_is_ahead_after_a_time_without_power_is_believed_when_it_held(
    store: Store, url: str, clocks: Clocks
) -> None:
    store.clock.check()
    clocks.restart(NOW + 60 * DAY_S, "second")
    clock = Store.open(url).clock
    clock.check()
    assert not clock.is_believed
    clocks.run(HELD_S - 1)
    clock.check()
    assert not clock.is_believed
    clocks.wall_s += 90  # another jump: the time to hold begins anew
    clock.check()
    clocks.run(HELD_S - 1)
    clock.check()
    assert not clock.is_believed
    clocks.run(1)
    clock.check()
    assert clock.is_believed
    assert clock.now() == pytest.approx(clocks.wall_s)
    clocks.run(60)
    clock.check()
    assert clock.is_believed


def test_a_clock_that_cannot_be_right_stays_unbelieved_until_a_person_confirms_it(
    store: Store, url: str, clocks: Clocks
) -> None:
    clock = store.clock
    clock.check()
    clocks.wall_s = IN_2036
    for _ in range(3):
        clocks.run(HELD_S)
        clock.check()
        assert not clock.is_believed
    state = SiteState(url)
    assert "stetho clock confirm" in state.warnings().clock
    assert state.confirm_clock() == text_of(clocks.wall_s)
    clock.check()
    assert clock.is_believed
    assert state.warnings().clock == ""


def save(store: Store, clocks: Clocks, number: int, meta: dict[str, Any] | None = None) -> None:
    """Store a recording that arrives now, with its result."""
    times = RecordingTimes.of(store.clock.now(), meta or {}, store.clock)
    name = f"{number:016x}"
    recording = replace(STORED, recording_id=name, meta=meta or {}, **times._asdict())
    (stored,) = store.save_recordings([recording])
    result = replace(
        RESULT,
        recording_id=name,
        captured_at=times.captured_at,
        captured_at_source=times.captured_at_source,
    )
    assert stored.id is not None
    store.save_results([AnalysisResult(stored.id, result, result.to_json().decode(), "", ())])
    clocks.run(60)


def rows(url: str) -> list[dict[str, Any]]:
    with connect(url).connect() as connection:
        found = connection.execute(select(recordings).order_by(recordings.c.id)).mappings()
        return [{**row, "document": json.loads(row["document"])} for row in found]


def marked(url: str) -> int:
    with connect(url).connect() as connection:
        return len(connection.execute(select(uncertain_times)).all())


def test_recordings_of_a_clock_of_1970_are_marked_and_corrected_when_the_time_is_known(
    store: Store, url: str, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    clocks.wall_s = IN_1970
    clock = store.clock
    clock.check()
    save(store, clocks, 1)
    save(store, clocks, 2)
    clock.check()
    assert [row["received_at"] for row in rows(url)] == [text_of(IN_1970), text_of(IN_1970 + 60)]
    assert {row["document"]["captured_at_source"] for row in rows(url)} == {"unsure"}
    assert marked(url) == 2
    clocks.wall_s = NOW  # 120 s after the first one
    with caplog.at_level(logging.INFO):
        clock.check()
    assert "event=times_corrected recordings=2" in caplog.text
    first, second = rows(url)
    assert (first["received_at"], second["received_at"]) == (text_of(NOW - 120), text_of(NOW - 60))
    assert (
        first["document"]
        | {
            "captured_at": first["received_at"],
            "captured_at_source": "worker",
            "captured_at_claimed": text_of(IN_1970),
        }
        == first["document"]
    )
    assert (first["captured_at"], first["captured_at_source"]) == (first["received_at"], "worker")
    assert marked(url) == 0


def test_recordings_of_a_wrong_clock_count_as_new_when_the_time_is_known_only_after_a_restart(
    store: Store, url: str, clocks: Clocks
) -> None:
    store.clock.check()
    clocks.restart(NOW - 300 * DAY_S, "second")
    again = Store.open(url)
    again.clock.check()
    save(again, clocks, 1)
    assert marked(url) == 1
    clocks.restart(NOW + 3600, "third")
    Store.open(url).clock.check()
    (row,) = rows(url)
    assert (row["received_at"], marked(url)) == (text_of(NOW + 3600), 0)


def test_recordings_of_the_future_are_corrected_after_a_person_confirmed_the_clock(
    store: Store, url: str, clocks: Clocks
) -> None:
    clocks.wall_s = NOW + 3 * YEAR_S  # possible at a first start, but wrong
    store.clock.check()
    save(store, clocks, 1)
    clocks.wall_s = NOW
    store.clock.check()
    assert not store.clock.is_believed
    SiteState(url).confirm_clock()
    store.clock.check()
    assert store.clock.is_believed
    assert [row["received_at"] for row in rows(url)] == [text_of(NOW)]


@pytest.mark.parametrize(
    ("claimed_s", "is_believed"),
    [
        (NOW, True),
        (NOW + 299, True),
        (NOW - 365 * DAY_S, True),
        (NOW + 301, False),
        (NOW - 367 * DAY_S, False),
        (IN_1970, False),
        (IN_2036, False),
        (253_402_300_799.0, False),
    ],
)
def test_the_time_of_a_device_is_believed_within_limits(
    store: Store, clocks: Clocks, claimed_s: float, is_believed: bool
) -> None:
    assert clocks.wall_s == NOW
    claimed = text_of(claimed_s)
    times = RecordingTimes.of(NOW, {"captured_at": claimed}, store.clock)
    expected = (claimed, "device") if is_believed else (text_of(NOW), "worker")
    assert (times.captured_at, times.captured_at_source) == expected
    assert times.received_at == text_of(NOW)


def test_the_time_of_a_device_is_better_than_a_clock_of_1970(store: Store, clocks: Clocks) -> None:
    clocks.wall_s = IN_1970
    store.clock.check()
    claimed = text_of(NOW)
    assert RecordingTimes.of(IN_1970, {"captured_at": claimed}, store.clock) == (
        text_of(IN_1970),
        claimed,
        "device",
    )
    assert RecordingTimes.of(IN_1970, {"captured_at": text_of(5.0)}, store.clock)[1:] == (
        text_of(IN_1970),
        "unsure",
    )


def test_a_recording_of_the_spool_that_an_earlier_process_received_under_a_wrong_clock_arrives_now(
    store: Store, clocks: Clocks
) -> None:
    assert clocks.wall_s == NOW
    for received_s in (IN_1970, IN_2036, NOW - 8 * DAY_S):
        assert RecordingTimes.of(received_s, {}, store.clock).received_at == text_of(NOW)
    assert RecordingTimes.of(NOW - DAY_S, {}, store.clock).received_at == text_of(NOW - DAY_S)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL lets nobody write damage
@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "5", '{"known":5}', '{"known":{}}', '{"known":{"wall_s":"x"}}']
)
def test_a_damaged_fact_is_as_if_nothing_were_known(
    store: Store, url: str, clocks: Clocks, damage: str
) -> None:
    store.clock.check()
    with connect(url).begin() as connection:
        connection.exec_driver_sql("UPDATE site_facts SET document = ?", (damage,))
    assert Store.open(url).clock.now() == pytest.approx(clocks.wall_s)
    assert SiteState(url).warnings() == ("", "", "")
    store.clock.check()
    assert store.clock.is_believed
