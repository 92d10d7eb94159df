"""The firmware, as a Linux program, with messages, microphones and arguments that are wrong."""

import wave
from pathlib import Path

import pytest
from conftest import Client
from stethoscope import ID, READY, Stethoscope, heart, program, run

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds
FAST = ("--pace", "4")
"""Options that make everything four times as fast."""


GARBAGE = [
    b"",
    b"\x00",
    b"\xff\xfe\xfd",
    b"{",
    b"[]",
    b"null",
    b'"' + b"x" * 900 + b'"',
    b"[" * 1000,
    b'{"type":"missing"',
    b'{"type":"missing","recording_id":"zz","ranges":[[0,1]]}',
    b'{"type":"missing","recording_id":"9f0c1122aabbccdd","ranges":[[5,2],[-1,3],[1e9,null],"x",[1],[[]]]}',
    b'{"type":"stored","recording_id":null}',
    b'{"type":"rejected","recording_id":null,"reason":7,"detail":{}}',
    b'{"type":"' + b"y" * 800 + b'"}',
    b'{"v":1,"recording_id":"9f0c1122aabbccdd","status":"great","bpm":1e400,"label":"\\ud800","confidence":-7}',
    b'{"v":1,"recording_id":"9f0c1122aabbccdd","status":"ok","model":"m","label":"' + b"long " * 150 + b'"}',
    b'{"id":"1","command":"explode"}',
    b'{"id":{},"command":["record"],"args":3}',
    b"x" * 5000,
]


def test_garbage_from_above_harms_nothing(site: Site, account: Credentials, tmp_path: Path) -> None:
    site.start_worker()
    worker = site.broker.add_user("worker", "mad")
    options = ("--audio", str(heart(tmp_path, 4_000, 16)), *FAST)
    with (
        Client(site.broker, worker) as mad,
        Client(site.broker, site.operator) as operator,
        Stethoscope(site, account, *options) as device,
    ):
        device.wait_for(READY)
        device.say("press")
        device.wait_for("RECORDING")
        for payload in GARBAGE:
            for topic in ("control", "live", "result"):
                mad.publish(f"stetho/v1/device/{ID}/down/{topic}", payload)
            operator.publish(f"stetho/v1/device/{ID}/down/command", payload)
        assert device.wait_for_result()["label"] == "normal"
        device.say("quit")


def test_a_line_of_settings_with_a_mistake_does_not_end_a_recording(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    options = ("--audio", str(heart(tmp_path, 4_000)), *FAST)
    with (
        Client(site.broker, site.operator, topics.result(ID)) as operator,
        Stethoscope(site, account, *options) as device,
    ):
        device.wait_for(READY)
        device.say("press")
        device.wait_for("RECORDING +[1-3]")
        device.say("set record_ms=1")
        device.wait_for("settings not taken: record_ms")
        compact = device.wait_for_result()
        result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
        device.say("quit")
    assert (result["completeness"], result["audio"]["samples"]) == ("complete", 16_000)


def test_the_result_that_the_broker_has_retained_is_not_taken_for_a_new_one(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    options = ("--audio", str(heart(tmp_path, 4_000)), *FAST)
    with Stethoscope(site, account, *options, "--once") as device:
        first = device.wait_for_result()
        assert device.wait() == 0
    with Stethoscope(site, account, *options) as device:
        device.wait_for(READY)
        device.say("press")
        second = device.wait_for_result()
        device.say("quit")
    assert second["recording_id"] != first["recording_id"]
    assert len(device.results) == 1


@pytest.mark.parametrize(("value", "words"), [(0, "silent"), (32_767, "stuck")])
def test_a_microphone_that_does_not_work_is_said(
    site: Site, account: Credentials, tmp_path: Path, value: int, words: str
) -> None:
    site.start_worker()
    path = tmp_path / "dead.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 4_000, 0, "NONE", ""))
        file.writeframes(value.to_bytes(2, "little", signed=True) * 40_000)
    with Stethoscope(site, account, "--audio", str(path), "--seconds", "4", *FAST) as device:
        device.wait_for("READY|microphone")
        device.say("press")
        shown = device.wait_for("RECORDING")
        device.wait_for(f"microphone {words}", shown)
        device.say("quit")


def test_a_bad_command_line_is_explained(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_bytes(b"RIFF")
    for options, words in (
        ((), "--device"),
        (("--device", "ST 01"), "device"),
        (("--device", ID, "--rate", "8000"), "rate"),
        (("--device", ID, "--audio", str(tmp_path / "no.wav")), "WAV"),
        (("--device", ID, "--nonsense"), "nonsense"),
        (("--device", ID, "stray"), "stray"),
    ):
        done = run([str(program()), *options])
        assert done.returncode == 2, options
        assert words in done.stderr
    helped = run([str(program()), "--help"])
    assert helped.returncode == 0
    assert "examples:" in helped.stdout


def test_a_pasted_line_of_settings_is_taken_whole_and_a_longer_one_not_at_all(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    where = f"host=127.0.0.1&port={site.broker.port}&tls=0&sample_rate=4000"
    form = f"{where}&device_id={ID}&password={account.password}"
    pem = "-----BEGIN CERTIFICATE-----" + "x" * 1994 + "-----END CERTIFICATE-----"
    ca = "".join(f"%{ord(letter):02X}" for letter in pem)  # each byte escaped: the longest form
    options = ("--audio", str(heart(tmp_path, 4_000)), "--settings", str(tmp_path / "flash"), *FAST)
    with Stethoscope(site, account, *options) as device:
        device.wait_for("SETTINGS")
        device.say(f"set ca={'A' * 8192}&{form}")
        refused = device.wait_for("a line has at most 8192 characters; nothing of this one was taken")
        device.say(f"set {form}&ca={ca}\r\n")
        device.wait_for(READY, refused)
        device.say("quit")
    assert f"ca={pem}\n" in (tmp_path / "flash" / "settings").read_text()
