"""How often people are told: floods, quiet hours over midnight and over changes of the clock, summaries."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rule_texts import heard, parse, rule

from edge_worker.notify import pacing
from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.occurrence import Occurrence, Part
from edge_worker.notify.quiet_hours import QuietHours
from edge_worker.notify.rule import Rules

NOON = datetime(2026, 11, 30, 11, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[NoticeQueue]:
    opened = NoticeQueue.open(tmp_path / "notify.db")
    yield opened
    opened.close()


def tell(queue: NoticeQueue, rules: Rules, occurrence: Occurrence, now: float) -> bool:
    """Queue an occurrence for the first rule as the program does; return whether it is told at once."""
    first = rules.rules[0]
    is_free = pacing.is_free(queue, rules, first, occurrence, now)
    notice = queue.add(first.name, occurrence, now)
    if is_free and notice is not None:
        queue.tell(notice, first.send_to, now)
    return is_free and notice is not None


def sent(queue: NoticeQueue) -> list[Occurrence]:
    return [each.occurrence for each in queue.waiting()]


def test_a_flood_is_told_a_few_times_and_then_summed_up(queue: NoticeQueue) -> None:
    rules = parse(rule("alarm", "at_most = 3", "within_min = 10"))
    told = [tell(queue, rules, heard(number), NOON + number) for number in range(50)]
    assert told == [True] * 3 + [False] * 47
    assert pacing.release(queue, rules, NOON + 60) == 0
    assert pacing.release(queue, rules, NOON + 604) == 1
    summary = sent(queue)[-1]
    assert (summary.news, summary.parts) == ("summary", (Part("heard", "room-1", "Siren", 47),))
    assert (summary.at, summary.until) == ("2026-11-30T11:03:00.000Z", "2026-11-30T11:49:00.000Z")
    assert pacing.release(queue, rules, NOON + 700) == 0, "all is told"
    assert len(sent(queue)) == 4


def test_a_flood_of_hours_costs_no_more_than_the_rule_allows(queue: NoticeQueue) -> None:
    rules = parse(rule("alarm", "at_most = 3", "within_min = 10"))
    for second in range(0, 7200, 60):
        tell(queue, rules, heard(second), NOON + second)
        pacing.release(queue, rules, NOON + second)
    pacing.release(queue, rules, NOON + 7200 + 601)
    messages = sent(queue)
    assert len(messages) <= 12 * (3 + 1)
    counts = [sum(part.times for part in each.parts) if each.parts else 1 for each in messages]
    assert sum(counts) == 120, "each is told, alone or in a summary"


def test_another_sound_is_not_held_back_by_a_flood(queue: NoticeQueue) -> None:
    rules = parse(rule("all", "at_most = 2"))
    for number in range(20):
        tell(queue, rules, heard(number, "door_wood_knock"), NOON + number)
    assert tell(queue, rules, heard(100, "siren"), NOON + 30)
    assert tell(queue, rules, heard(101, "siren", "room-2"), NOON + 31)
    assert not tell(queue, rules, heard(102, "siren"), NOON + 32), "it has been told"


def test_the_same_recording_is_told_once(queue: NoticeQueue) -> None:
    rules = parse(rule())
    assert tell(queue, rules, heard(1), NOON)
    assert not tell(queue, rules, heard(1), NOON + 86_400)
    assert tell(queue, rules, heard(1, device="room-2"), NOON), "ids are unique per device only"


def test_a_single_one_that_waited_is_told_as_it_is(queue: NoticeQueue) -> None:
    rules = parse(rule("alarm", "at_most = 1"))
    assert tell(queue, rules, heard(1), NOON)
    assert not tell(queue, rules, heard(2), NOON + 1)
    assert pacing.release(queue, rules, NOON + 602) == 1
    assert sent(queue)[-1] == heard(2)


def test_quiet_hours_hold_back_all_but_what_is_named(queue: NoticeQueue) -> None:
    rules = parse(
        rule(
            "night", 'severities = ["finding", "none"]', 'quiet_hours = "22:00-07:00"',
            'despite_quiet_hours = ["finding"]',
        )
    )  # fmt: skip
    night = datetime(2026, 11, 30, 23, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert tell(queue, rules, heard(1), night)
    assert not tell(queue, rules, heard(2, "normal", severity="none"), night + 1)
    assert not tell(queue, rules, heard(3, "normal", severity="none"), night + 7200)
    assert pacing.release(queue, rules, night + 7 * 3600) == 0
    assert pacing.release(queue, rules, night + 7.5 * 3600) == 1, "they end at seven"
    assert sent(queue)[-1].parts == (Part("heard", "room-1", "Normal", 2),)


def test_a_clock_that_is_set_back_holds_nothing_back_for_ever(queue: NoticeQueue) -> None:
    rules = parse(rule("alarm", "at_most = 1"))
    assert tell(queue, rules, heard(1), NOON)
    assert not tell(queue, rules, heard(2), NOON + 1)
    assert pacing.release(queue, rules, NOON - 86_400) == 1
    assert tell(queue, rules, heard(3, "normal"), NOON - 86_399)


@pytest.mark.parametrize(
    ("hours", "shown", "is_quiet"),
    [
        ("22:00-07:00", "21:59", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "00:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("13:00-15:00", "12:59", False),
        ("13:00-15:00", "13:00", True),
        ("13:00-15:00", "15:00", False),
    ],
)
def test_quiet_hours_over_midnight_and_by_day(hours: str, shown: str, is_quiet: bool) -> None:
    assert QuietHours.parse(hours).contain(datetime.fromisoformat(f"2026-11-30T{shown}")) == is_quiet


@pytest.mark.parametrize(
    ("utc", "is_quiet"),
    [
        ("2026-03-29T00:59:00Z", True),  # 01:59, then the clock jumps to 03:00
        ("2026-03-29T01:00:00Z", False),
        ("2026-10-25T00:15:00Z", True),  # 02:15, and an hour later 02:15 again
        ("2026-10-25T01:15:00Z", True),
        ("2026-10-25T01:31:00Z", False),
        ("2026-10-24T22:59:00Z", False),  # 00:59
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall(utc: str, is_quiet: bool) -> None:
    hours = QuietHours.parse("01:00-02:30")
    assert hours.contain(datetime.fromisoformat(utc).astimezone(ZoneInfo("Europe/Berlin"))) == is_quiet
