"""Notifications of a site of real processes: broker, worker, `stetho notify`, and receivers on loopback."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Device, cut, wait_until
from notified_site import RESULT, SECRET, NotifiedSite
from rule_texts import rule

from edge_worker.doctor import check_notifications
from edge_worker.errors import SettingsError
from edge_worker.notify import status
from edge_worker.notify.__main__ import main
from edge_worker.protocol import topics
from edge_worker.settings import Settings
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples

SOUND = cut(
    from_samples(heart_sound("normal", 60, 4.0, 4000, 1).samples, 4000).pcm.astype("<i2").tobytes(), 1
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[NotifiedSite]:
    with NotifiedSite(tmp_path / "site") as running:
        yield running


def test_a_kill_at_any_moment_loses_nothing_and_tells_nothing_twice(site: NotifiedSite) -> None:
    site.write_rules(rule("alarm", "at_most = 1000"))
    process = site.start_notify()
    for number in range(60):
        site.publish(number)
        if number % 15 == 14:
            process.kill()
            site.publish(1000 + number)
            process = site.start_notify()
    expected = {f"room-1/{number:016x}" for number in (*range(60), 1014, 1029, 1044, 1059)}
    wait_until(lambda: expected <= set(site.ids()), "all messages")
    repeated = len(site.ids()) - len(set(site.ids()))
    assert repeated <= 3, "one a kill, that was under way"


def test_receivers_and_the_broker_may_be_away(site: NotifiedSite) -> None:
    site.write_rules(
        rule("alarm", send_to='["phone", "topic", "ward"]'), rule("operator", "after_s = 0.5", on="worker")
    )
    process = site.start_notify()
    site.web.go_away()
    site.publish(1)
    wait_until(lambda: site.mail.mails, "the mail, which nothing holds up")
    wait_until(lambda: process.log.count("event=not_sent") >= 2, "two failures")
    wait_until(lambda: "phone" in status.read(site.data_dir).errors, "the error in the status")
    assert "cannot be reached" in status.read(site.data_dir).fault
    with pytest.raises(SettingsError, match="phone does not take messages"):
        check_notifications(Settings(data_dir=site.data_dir))
    site.web.come_back()
    wait_until(lambda: "room-1/0000000000000001" in site.ids(), "the message that had waited")

    site.web.posted.clear()
    site.broker.stop()
    wait_until(lambda: "The broker cannot be reached" in site.web.titles(), "the broker is missed")
    site.broker.start()
    wait_until(lambda: "The broker is back" in site.web.titles(), "the broker is there")
    site.publish(2)
    wait_until(lambda: "room-1/0000000000000002" in site.ids(), "the message after it")
    others = [each for each in site.directory.rglob("*") if each.is_file() and each != site.rules_path]
    assert [each for each in others if SECRET.encode() in each.read_bytes()] == []
    assert process.stop() == 0
    assert "do not run" in status.read(site.data_dir).fault
    assert "not used here" in check_notifications(Settings(data_dir=site.data_dir / "elsewhere"))


def test_rules_are_read_again_and_wrong_ones_are_told(
    site: NotifiedSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_rules(rule("alarm"))
    process = site.start_notify()
    site.write_rules(rule("alarm", 'labels = ["sirene"]'))
    process.wait_for("event=rules_refused .*siren")
    wait_until(lambda: "'siren'" in status.read(site.data_dir).fault, "the mistake in the status")
    site.publish(1)
    wait_until(site.ids, "a message by the old rules")
    site.write_rules(rule("knocks", 'labels = ["door_wood_knock"]', 'devices = ["room-*"]'))
    process.wait_for("event=rules_read")
    wait_until(lambda: status.read(site.data_dir).fault == "", "that all is well")
    site.publish(2)
    site.publish(3, verdict=RESULT["verdict"] | {"label": "door_wood_knock", "text": "Knock"})
    wait_until(lambda: site.ids()[1:] == ["room-1/0000000000000003"], "the knock alone")

    for name, value in site.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["check"]) == 0
    assert "knocks: sound door_wood_knock of room-*" in capsys.readouterr().out
    assert main(["test", "knocks"]) == 0
    assert site.web.titles()[-1] == "Test of the rule “knocks”"
    assert main(["test", "alarm"]) == 2
    assert "there are knocks" in capsys.readouterr().err
    second = subprocess.run(
        [sys.executable, "-m", "edge_worker.notify"],
        env=os.environ | site.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert "another program that notifies runs" in second.stderr
    identity = status.ask_for_test(site.data_dir, "knocks")
    wait_until(
        lambda: status.test_outcome(site.data_dir, identity) == {"phone": ""}, "the test of the dashboard"
    )
    site.web.status = 401
    assert main(["test", "knocks"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  phone: it answers HTTP 401" in out
    assert SECRET not in out


def test_the_real_worker_is_told_of_and_missed(site: NotifiedSite) -> None:
    site.write_rules(
        rule("all", 'severities = ["finding", "none", "unknown"]'),
        rule("operator", "after_s = 0.2", on="worker"),
        rule("home", "after_s = 0.2", on="disconnected"),
    )
    site.worker_client.__exit__(None, None, None)
    worker = site.start_worker()
    site.start_notify()
    with Device(site, "st-01") as device:
        device.publish(topics.state("st-01"), '{"state":"online","boot":"b1"}', retain=True)
        device.send_all(SOUND)
        wait_until(site.ids, "the recording")
        (told,) = site.web.posted
        assert (told["id"], told["name"], told["rule"]) == ("st-01/0000000000000001", "st-01", "all")
        assert told["title"].endswith("– st-01")
        device.publish(topics.state("st-01"), '{"state":"lost","boot":"b1"}', retain=True)
        wait_until(lambda: "st-01 lost its connection" in site.web.titles(), "the device is missed")
        worker.stop()
        wait_until(lambda: "edge-01 is away" in site.web.titles(), "the worker is missed")
        device.publish(topics.state("st-01"), '{"state":"online","boot":"b2"}', retain=True)
        site.start_worker()
        wait_until(
            lambda: {"st-01 is back", "edge-01 is back"} <= set(site.web.titles()), "both are back"
        )  # fmt: skip


def test_an_event_of_a_room_is_told_at_once_and_its_stream_not_again(site: NotifiedSite) -> None:
    site.write_rules(rule("alarm"))
    process = site.start_notify()
    for payload in (b"", b"[]", b'{"verdict":{}}', b"\xff", b'{"verdict":{"label":1}}', b"x" * 65_000):
        site.worker_client.publish(topics.result("room-1"), payload)
    began = time.monotonic()
    site.publish(1, event={"stream": "00000000000000aa", "start": 0})
    wait_until(site.ids, "the event")
    took_s = time.monotonic() - began
    stream = {"ended_by": "last", "audio_start": 0, "missing_samples": 0, "skipped_windows": 0}
    site.publish(0xAA, stream=stream)
    site.publish(0xAB, stream=stream, verdict=RESULT["verdict"] | {"event": "0000000000000001"})
    site.publish(0xAC, stream=stream)
    wait_until(lambda: site.ids()[1:] == ["room-1/00000000000000ac"], "a stream without events")
    assert float(process.wait_for(r"event=sent .*after_s=(\S+)").group(1)) < max(1.0, took_s)
