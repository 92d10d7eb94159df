"""Who is away, and who is back: told after a while, once, by each rule that is about it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from rule_texts import parse, rule

from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.presence import Moment, PresenceWatch, Told
from edge_worker.notify.rule import Rules
from edge_worker.protocol.strict_json import JsonError


@cache
def rules() -> Rules:
    """Return the rules that are told; not at import: the environment of training has no Apprise."""
    return parse(
        rule("home", 'devices = ["room-*"]', "after_s = 60", on="disconnected"),
        rule("operator", "after_s = 30", on="worker"),
    )


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[NoticeQueue]:
    opened = NoticeQueue.open(tmp_path / "notify.db")
    yield opened
    opened.close()


def at(uptime_s: float) -> Moment:
    return Moment(f"2026-11-30T11:00:{int(uptime_s) % 60:02}.000Z", uptime_s)


class Site:
    """A watch, and what its devices say."""

    def __init__(self, queue: NoticeQueue) -> None:
        self.watch = PresenceWatch(queue)

    def device(self, state: str, uptime_s: float, name: str = "room-1", boot: str = "b1") -> list[str]:
        payload = f'{{"state":"{state}","boot":"{boot}"}}'.encode()
        return words(self.watch.on_device(name, payload, at(uptime_s), rules()))

    def worker(self, state: str, uptime_s: float) -> list[str]:
        payload = f'{{"state":"{state}","reason":"disk full"}}'.encode()
        return words(self.watch.on_worker("edge-01", payload, at(uptime_s), rules()))

    def broker(self, *, is_here: bool, uptime_s: float) -> list[str]:
        return words(self.watch.on_broker(is_here=is_here, now=at(uptime_s), rules=rules()))

    def overdue(self, uptime_s: float) -> list[str]:
        return words(self.watch.overdue(rules(), at(uptime_s)))


def words(told: list[Told]) -> list[str]:
    return [f"{each.name}: {occurrence.name} {occurrence.news}" for each, occurrence in told]


@pytest.fixture
def site(queue: NoticeQueue) -> Site:
    return Site(queue)


def test_a_device_that_is_lost_is_told_once_and_again_when_it_is_back(site: Site) -> None:
    assert site.device("online", 0) == []
    assert site.device("lost", 100) == []
    assert site.overdue(159) == []
    assert site.overdue(160) == ["home: room-1 lost"]
    assert site.overdue(400) == []
    assert site.device("online", 500) == ["home: room-1 back"]
    assert site.device("recording", 501) == []
    assert site.device("offline", 600) == []
    assert site.overdue(661) == ["home: room-1 off"]


def test_a_short_absence_is_not_told(site: Site) -> None:
    site.device("online", 0)
    site.device("lost", 10)
    assert site.device("online", 60) == []
    assert site.overdue(1000) == []


def test_a_device_of_another_rule_is_not_told(site: Site) -> None:
    site.device("online", 0, name="st-01")
    site.device("lost", 10, name="st-01")
    assert site.overdue(1000) == []


def test_what_was_away_before_anybody_looked_is_no_news(site: Site) -> None:
    site.device("lost", 0)
    assert site.overdue(1000) == []
    site.device("online", 1001)
    site.device("lost", 1002)
    assert site.overdue(1062) == ["home: room-1 lost"]


def test_the_will_of_an_earlier_start_is_no_news(site: Site) -> None:
    site.device("online", 0, boot="b1")
    site.device("online", 5, boot="b2")
    site.device("lost", 6, boot="b1")
    assert site.overdue(1000) == []


def test_a_device_that_was_removed_is_forgotten(site: Site) -> None:
    site.device("online", 0)
    site.device("lost", 1)
    site.watch.on_device("room-1", b"", at(2), rules())
    assert site.overdue(1000) == []


@pytest.mark.parametrize("payload", [b"lost", b"[]", b'{"state":NaN}', b"\xff"])
def test_a_state_that_is_no_state_is_refused(site: Site, payload: bytes) -> None:
    with pytest.raises(JsonError):
        site.watch.on_device("room-1", payload, at(0), rules())


def test_a_worker_that_has_a_fault_and_then_goes_is_told_twice(site: Site) -> None:
    site.worker("ready", 0)
    site.worker("degraded", 10)
    assert site.overdue(40) == ["operator: edge-01 degraded"]
    site.worker("offline", 50)
    assert site.overdue(80) == ["operator: edge-01 offline"]
    assert site.worker("ready", 90) == ["operator: edge-01 back"]


def test_without_a_broker_only_that_is_told(site: Site) -> None:
    site.broker(is_here=True, uptime_s=0)
    site.device("online", 1)
    site.device("lost", 2)
    site.broker(is_here=False, uptime_s=3)
    assert site.overdue(1000) == ["operator: broker unreachable"]
    assert site.broker(is_here=True, uptime_s=1001) == ["operator: broker reachable"]
    assert site.overdue(1002) == [], "the device has its time to come back, too"
    assert site.overdue(1061) == ["home: room-1 lost"]


def test_a_restart_forgets_nothing_and_tells_nothing_twice(site: Site, queue: NoticeQueue) -> None:
    site.device("online", 0)
    site.device("lost", 1)
    assert site.overdue(61) == ["home: room-1 lost"]
    again = Site(queue)
    assert again.device("lost", 62) == []
    assert again.overdue(1e9) == []
    assert again.device("online", 1e9) == ["home: room-1 back"]
