"""Deliveries: tried again, given up when they are too old, noted where the disk refuses it for a while."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import wait_until
from receivers import WebReceiver
from rule_texts import heard, parse, rule

from edge_worker.notify import receiver
from edge_worker.notify.delivering import Delivering
from edge_worker.notify.message import Writer
from edge_worker.notify.notice_queue import NoticeQueue
from edge_worker.notify.notifier import Notifier
from edge_worker.notify.rule import Rules
from edge_worker.notify.rules_watch import RulesWatch
from edge_worker.notify.sending import LONGEST_WAIT_S, Sending, wait_s
from edge_worker.notify.settings import NotifySettings

NOW = 1_800_000_000.0


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with WebReceiver() as running:
        yield running


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[NoticeQueue]:
    opened = NoticeQueue.open(tmp_path / "notify.db")
    yield opened
    opened.close()


class Post:
    """Deliveries to a receiver, by a clock that the test sets."""

    def __init__(self, queue: NoticeQueue, port: int) -> None:
        self.queue = queue
        receivers = f'[receivers]\nphone = "json://127.0.0.1:{port}"\n'
        self.rules: Rules = parse(rule(), receivers=receivers, head="give_up_h = 1\n")
        self.sending = Sending(lambda: None)
        self.delivering = Delivering(queue, self.sending, "en", "")

    def tell(self, number: int, now: float) -> None:
        notice = self.queue.add("alarm", heard(number), now)
        assert notice is not None
        self.queue.tell(notice, ["phone"], now)

    def round(self, now: float) -> bool:
        """Send what is due, and wait for it; return whether anything was."""
        self.delivering.start_due(self.rules, now)
        if not self.sending.busy:
            return False
        sent = self.sending.finished()
        deadline = time.monotonic() + 30
        while not sent and time.monotonic() < deadline:
            time.sleep(0.01)
            sent = self.sending.finished()
        self.delivering.note(sent, now)
        return True

    def states(self) -> list[tuple[str, str]]:
        return self.queue.connection.execute("SELECT state, error FROM delivery ORDER BY notice").fetchall()


def test_a_receiver_that_refuses_is_asked_again_ever_less_often_and_new_messages_go_first(
    queue: NoticeQueue, web: WebReceiver
) -> None:
    post = Post(queue, web.port)
    web.status = 503
    post.tell(1, NOW)
    assert post.round(NOW)
    assert post.states() == [("waiting", "it answers HTTP 503")]
    assert not post.round(NOW + 1)
    web.status = 200
    post.tell(2, NOW + 1.1)
    assert post.round(NOW + 3)
    assert [each["id"] for each in web.posted] == ["room-1/0000000000000002"]
    assert post.round(NOW + 3)
    assert post.states() == [("sent", ""), ("sent", "")]
    assert not post.round(NOW + 1000)
    assert [wait_s(attempts) <= LONGEST_WAIT_S for attempts in (0, 5, 50)] == [True] * 3
    assert wait_s(3) > wait_s(1) > 1


def test_a_clock_that_was_set_back_delays_nothing_for_long(queue: NoticeQueue, web: WebReceiver) -> None:
    post = Post(queue, web.port)
    web.status = 503
    post.tell(1, NOW)
    assert post.round(NOW)
    web.status = 200
    assert post.round(NOW - 86_400)
    assert post.states() == [("sent", "")]


def test_what_is_too_old_or_for_nobody_is_given_up(queue: NoticeQueue, web: WebReceiver) -> None:
    post = Post(queue, web.port)
    post.tell(1, NOW)
    post.delivering.give_up(post.rules, NOW + 3599)
    assert post.states() == [("waiting", "")]
    post.delivering.give_up(post.rules, NOW + 3601)
    assert post.states() == [("given up", "it was too old")]
    post.tell(2, NOW)
    post.delivering.give_up(replace(post.rules, receivers={}), NOW)
    assert post.states()[1] == ("given up", "the rules have no such receiver now")
    queue.forget(NOW + 10)
    assert post.states() == [], "what is done and old is forgotten"


def test_a_full_disk_loses_no_note_of_what_was_sent(tmp_path: Path, web: WebReceiver) -> None:
    settings = NotifySettings(data_dir=tmp_path, notify_mqtt_password="unused")
    settings.directory.mkdir()
    settings.rules_path.write_text(f'[receivers]\nphone = "json://127.0.0.1:{web.port}"\n{rule()}')
    queue = NoticeQueue.open(settings.directory / "notify.db")
    notifier = Notifier(settings, RulesWatch(settings), queue)
    notice = queue.add("alarm", heard(1), time.time())
    assert notice is not None
    queue.tell(notice, ["phone"], time.time())
    notifier._guarded(notifier._step)
    wait_until(lambda: web.posted, "the message")
    queue.connection.execute("PRAGMA query_only = ON")  # refuses to write, as a full disk does
    with pytest.raises(sqlite3.OperationalError):
        queue.count("x")
    wait_until(lambda: not notifier._sending._finished.empty(), "the answer")
    notifier._note_sent()
    assert "cannot be written" in notifier._faults["queue"]
    queue.connection.execute("PRAGMA query_only = OFF")
    notifier._note_sent()
    notifier._guarded(notifier._step)
    assert not notifier._sending.busy
    assert len(web.posted) == 1
    assert notifier._faults["queue"] == ""
    queue.close()


def test_a_damaged_queue_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "notify.db"
    path.write_bytes(b"no database" * 1000)
    queue = NoticeQueue.open(path)
    queue.count("sent")
    queue.close()
    assert path.with_name("notify.db.damaged").read_bytes().startswith(b"no database")


@pytest.mark.parametrize("rest", ["", "/", "/topic", "/topic?priority=max"])
def test_a_phone_gets_a_link_to_open_and_a_program_named_values(web: WebReceiver, rest: str) -> None:
    message = Writer("en", UTC, "https://stetho.example.org").write(heard(1), "alarm", datetime.now(UTC))
    topic = rest if "topic" in rest else "/topic"
    assert receiver.send(f"ntfy://127.0.0.1:{web.port}{topic}", message) == ""
    assert web.headers[-1]["X-Click"] == message.link
    assert "X-Icon" not in web.headers[-1], "a phone loads no picture from elsewhere"
    assert receiver.send(f"json://127.0.0.1:{web.port}{rest}", message) == ""
    assert {name: web.posted[-1][name] for name in message.details} == message.details
    assert web.posted[-1]["type"] == "warning"
