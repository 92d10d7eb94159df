"""The firmware, as a Linux program, with the real broker and worker, in normal use."""

import json
import math
import struct
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Client, wait_until
from stethoscope import ID, READY, Stethoscope, heart, kept, played_in, samples_of

from broker.account import Credentials
from edge_worker import __version__
from edge_worker.protocol import topics
from simulator.site.site import Site

PNG = b"\x89PNG\r\n\x1a\n"
pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds
FAST = ("--pace", "4")
"""Options that make everything four times as fast."""


@pytest.fixture
def operator(site: Site) -> Iterator[Client]:
    """Client of an operator, subscribed to everything an operator may read."""
    listens = ("stetho/v1/result/+", *(f"stetho/v1/device/{ID}/{topic}" for topic in ("up/+", "down/+")))
    with Client(site.broker, site.operator, *listens) as client:
        yield client


def test_a5_a_press_becomes_four_seconds_of_sound_and_a_result_on_the_display(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 44_100)
    before = datetime.now(UTC)
    with Stethoscope(
        site, account, "--audio", str(path), "--site", "MV", "--oled-png", str(tmp_path / "oled")
    ) as device:
        device.wait_for(READY)
        device.say("press")
        device.wait_for("RECORDING")
        compact = device.wait_for_result()
        device.wait_for("not a diagnosis")
        device.say("quit")
        assert device.wait() == 0
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (compact["status"], compact["label"], compact["accepted"]) == ("ok", "normal", True)
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=4)
    assert (result["completeness"], result["missing"], result["site"]) == ("complete", [], "MV")
    assert result["audio"] | {"sha256": ""} == {
        "sample_rate": 44_100,
        "channels": 1,
        "samples": 176_400,
        "sha256": "",
    }
    assert result["captured_at_source"] == "device"
    assert before <= datetime.fromisoformat(result["captured_at"]) <= before + timedelta(seconds=60)
    assert played_in(kept(site, result), samples_of(path)) < 44_100 / 4, "it heard the file within a moment"
    assert_pictures(tmp_path / "oled", "ready", "recording", "result")


def assert_pictures(directory: Path, *states: str) -> None:
    """Check that there is a picture of every change, and at least one of each of these states."""
    pictures = sorted(directory.iterdir())
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)
    assert all(one.read_bytes() != next_.read_bytes() for one, next_ in pairwise(pictures))
    shown = [picture.stem.partition("-")[2].lower() for picture in pictures]
    assert set(states) <= set(shown), shown


def test_a5_the_device_tells_who_it_is_and_how_it_is(
    site: Site, account: Credentials, operator: Client
) -> None:
    site.start_worker()
    with Stethoscope(site, account, *FAST) as device:
        device.wait_for(READY)
        online = operator.wait_for(topics.state(ID), state="online")
        info = operator.wait_for(topics.info(ID))
        device.say("press")
        assert operator.wait_for(topics.state(ID), state="recording")["boot"] == online["boot"]
        device.wait_for_result()
        telemetry = operator.wait_for(f"stetho/v1/device/{ID}/up/telemetry")
        device.say("quit")
    assert operator.wait_for(topics.state(ID), state="offline")["boot"] == online["boot"]
    assert not [each for each in operator.documents(topics.state(ID)) if each["state"] == "lost"]
    assert info["firmware"] == f"stetho {__version__}"
    assert telemetry["uptime_ms"] > 0


@pytest.mark.parametrize("rates", [(44_100, 4_000), (16_000, 4_000), (16_000, 16_000), (4_000, 4_000)])
def test_a6_several_sample_rates(
    site: Site, account: Credentials, operator: Client, tmp_path: Path, rates: tuple[int, int]
) -> None:
    recorded, rate = rates
    site.start_worker()
    path = heart(tmp_path, recorded)
    with Stethoscope(site, account, "--audio", str(path), "--rate", str(rate), "--once", *FAST) as device:
        compact = device.wait_for_result()
        assert device.wait() == 0
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (result["audio"]["sample_rate"], result["audio"]["samples"]) == (rate, 4 * rate)
    assert (compact["status"], compact["label"]) == ("ok", "normal")
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=4)
    if rate == recorded:
        played_in(kept(site, result), samples_of(path))


def test_c4_the_gate_records_by_itself_what_is_loud_enough(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    rate = 4_000
    tone = [round(8_000 * math.sin(0.3 * n)) for n in range(rate)]
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{3 * rate}h", *([0] * rate + tone + [0] * rate)))
    with Stethoscope(site, account, "--audio", str(path), "--gate", "20", *FAST) as device:
        device.wait_for("LISTENING")
        device.say("play")
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    recorded = kept(site, result)
    assert rate <= result["audio"]["samples"] < 2.2 * rate, (
        "pre-roll, a second of sound, and what it takes to be quiet"
    )
    start = recorded.find(struct.pack("<8h", *tone[:8]))
    assert start == pytest.approx(2 * 0.2 * rate, abs=2 * 0.02 * rate), "200 ms of pre-roll"
    assert recorded[start : start + 2 * rate] == struct.pack(f"<{rate}h", *tone)


def test_c4_a_stream_is_answered_on_the_display_while_it_goes_on(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, seconds=40)
    with Stethoscope(site, account, "--audio", str(path), "--rate", "4000", "--stream") as device:
        device.wait_for(READY)
        device.say("press")
        heard = device.wait_for("HR 7[0-4] good", device.wait_for("STREAM"))
        assert not device.results, "it still listens"
        device.say("press")
        compact = device.wait_for_result()
        device.wait_for("not a diagnosis", heard)
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (compact["status"], compact["label"]) == ("ok", "normal")
    assert (result["completeness"], result["missing"]) == ("complete", [])
    assert result["heart_rate_bpm"] == pytest.approx(72, abs=4)
    live = [each for each in operator.documents(topics.live(ID)) if each["bpm"]]
    assert {each["recording_id"] for each in live} == {compact["recording_id"]}


def test_a_stream_goes_on_until_the_second_press(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, 30)
    with Stethoscope(site, account, "--audio", str(path), "--stream", *FAST) as device:
        device.wait_for(READY)
        device.say("press")
        device.wait_for(r"STREAM +[5-9]\.\d s")
        device.say("press")
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert result["completeness"] == "complete"
    assert 5 * 4_000 <= result["audio"]["samples"] < 12 * 4_000
    played_in(kept(site, result), samples_of(path))


def test_live_values_of_the_worker_are_shown_while_recording(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, 20)
    worker = site.broker.add_user("worker", "live")
    with (
        Client(site.broker, worker, f"stetho/v1/device/{ID}/up/pcm") as client,
        Stethoscope(site, account, "--audio", str(path), "--stream", *FAST) as device,
    ):
        device.wait_for(READY)
        device.say("press")
        wait_until(lambda: client.messages, "the first chunk")
        recording_id = struct.unpack_from("<Q", client.messages[0].payload, 12)[0]
        live = {"v": 1, "recording_id": f"{recording_id:016x}", "t_s": 1.5, "bpm": 63, "quality": 0.2}
        client.publish(f"stetho/v1/device/{ID}/down/live", json.dumps(live | {"hint": "press firmer"}))
        device.wait_for("press firmer")
        foreign = live | {"recording_id": "00000000000000aa", "hint": "hold breath"}
        client.publish(f"stetho/v1/device/{ID}/down/live", json.dumps(foreign))
        client.publish(f"stetho/v1/device/{ID}/down/live", json.dumps(live | {"hint": "too loud"}))
        device.wait_for("too loud")
        assert "hold breath" not in device.display, "it is about another recording"
        device.say("press")
        device.wait_for_result()
        device.say("quit")


def test_commands_of_operators(site: Site, account: Credentials, operator: Client, tmp_path: Path) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, 60)
    topic = topics.command(ID)
    with Stethoscope(site, account, "--audio", str(path)) as device:
        device.wait_for(READY)
        operator.publish(topic, '{"id":"1","command":"identify","args":{}}')
        identified = device.wait_for("IT IS ME")
        operator.publish(topic, '{"id":"2","command":"record","args":{}}')
        device.wait_for(r"RECORDING +[1-9]\d*\.\d", identified)
        operator.publish(topic, '{"id":"3","command":"stop","args":{}}')
        compact = device.wait_for_result()
        boot = operator.wait_for(topics.state(ID), state="online")["boot"]
        operator.publish(topic, '{"id":"late","command":"record","args":{},"expires":1700000000}')
        operator.publish(topic, '{"id":"odd","command":"explode"}')
        operator.publish(topic, '{"id":"4","command":"restart","args":{}}')
        wait_until(
            lambda: {each["boot"] for each in operator.documents(topics.state(ID))} > {boot},
            "another start of the device",
        )
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    answers = [
        (each["id"], each["answer"], each.get("reason")) for each in operator.documents(topics.answer(ID))
    ]
    assert answers[:3] == [("1", "done", None), ("2", "done", None), ("3", "done", None)]
    assert answers[3:5] == [("late", "refused", "late"), ("odd", "refused", "unknown")]
    assert answers[5:] in ([("4", "done", None)], [("4", "done", "later")]), "before it restarts"
    assert result["completeness"] == "complete"
    assert 4_000 <= result["audio"]["samples"] < 60 * 4_000, "it was stopped before the file ended"


def test_settings_come_by_the_form_and_stay(site: Site, account: Credentials, tmp_path: Path) -> None:
    site.start_worker()
    flash = tmp_path / "flash"
    options = ("--audio", str(heart(tmp_path, 4_000)), "--settings", str(flash), *FAST)
    where = f"host=127.0.0.1&port={site.broker.port}&tls=0"
    form = f"{where}&device_id={ID}&password={account.password}&sample_rate=4000"
    with Stethoscope(site, account, *options) as device:
        device.wait_for("SETTINGS")
        device.say("set " + form.replace("host=127.0.0.1", "host=two+words"))
        device.wait_for("check: host")
        device.say(f"set {form}")
        device.wait_for(READY)
        device.say("quit")
    with Stethoscope(site, account, *options) as device:
        device.wait_for(READY)
        device.say("quit")
    damaged = bytearray((flash / "settings").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (flash / "settings").write_bytes(damaged)
    with Stethoscope(site, account, *options) as device:
        device.wait_for("SETTINGS")
        device.say("quit")
