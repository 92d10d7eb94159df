"""Parts of the board that fail or are not there: display, microphone, battery."""

import re
from pathlib import Path

import pytest
import requests
from conftest import Client, wait_until
from stethoscope import ID, READY, Stethoscope

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds
FAST = ("--pace", "4")
"""Options that make everything four times as fast."""


def test_a_display_that_is_missing_is_told_once_and_found_when_it_is_plugged_in(
    site: Site, account: Credentials
) -> None:
    site.start_worker()
    with (
        Client(site.broker, site.operator, topics.telemetry(ID)) as operator,
        Stethoscope(site, account, *FAST) as device,
    ):
        device.wait_for(READY)
        operator.wait_for(topics.telemetry(ID), display="ok")
        device.say("display out")
        device.say("press")  # the picture changes: something is to be written
        device.wait_for_result()
        operator.wait_for(topics.telemetry(ID), display="missing")
        device.say("display in")
        device.wait_for("the display answers")
        device.say("quit")
    assert device.display.count("the display does not answer") == 1
    told = [each["display"] for each in operator.documents(topics.telemetry(ID))]
    assert [one for one, before in zip(told, [None, *told], strict=False) if one != before] == [
        "ok",
        "missing",
        "ok",
    ]


def test_a_microphone_that_is_unplugged_is_silent_not_noise(site: Site, account: Credentials) -> None:
    site.start_worker()
    with Stethoscope(site, account, *FAST) as device:
        device.wait_for(READY)
        device.say("microphone out")
        seen = device.wait_for("microphone silent")
        device.wait_for("check the wiring", seen)
        device.say("microphone in")
        device.wait_for(READY, seen)
        device.say("quit")


def test_a_battery_is_told_refuses_updates_when_low_and_recordings_when_empty(
    site: Site, account: Credentials
) -> None:
    site.start_worker()
    url = site.start_api()
    with (
        Client(site.broker, site.operator, topics.telemetry(ID)) as operator,
        Stethoscope(site, account, "--pace", "8") as device,
    ):
        device.say("battery 3840")
        device.wait_for(READY)
        operator.wait_for(topics.telemetry(ID), battery_percent=50, battery_mv=3840, charging=False)
        wait_until(
            lambda: (
                f'stetho_device_battery_percent{{device="{ID}"}} 50.0'
                in requests.get(f"{url}/metrics", timeout=10).text
            ),
            "the level in the metrics",
        )
        device.say("battery 3680")
        device.wait_for("battery low: charge")
        operator.publish(
            f"stetho/v1/device/{ID}/down/command",
            '{"id":"7","command":"update","args":{"url":"https://localhost/stethoscope.bin"}}',
        )
        device.wait_for("battery low[ │\n]+charge it, then")
        device.say("battery 3200")
        empty = device.wait_for("battery empty")
        device.say("press")
        device.wait_for(r"ERROR[ │\n\d%]+battery empty", empty)
        device.say("battery 3700 charging")
        charged = device.wait_for(READY, empty)
        device.say("press")
        device.wait_for("RECORDING", charged)
        device.wait_for_result()
        device.say("quit")


def lines_of_test(device: Stethoscope, words: str = "") -> list[str]:
    """Run the factory test; press the button where it asks for it; return the lines that it prints."""
    begin = len(device.display)
    device.say(f"test {words}".strip())
    if words in {"", "display", "button"}:
        asked = device.wait_for(r"press the button|display FAIL", begin)
        device.say("press")
        if "display FAIL" in device.display[begin:asked]:
            device.wait_for("press the button", asked)
            device.say("press")
    device.wait_for(r"\n(PASS|FAIL)\n", begin)
    line = re.compile(
        r"(board|microphone|display|button|network|flash|psram|battery) (ok|FAIL|none)|PASS$|FAIL$"
    )
    return [each for each in device.display[begin:].splitlines() if line.match(each)]


def test_the_factory_test_finds_each_part_that_does_not_work(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    options = ("--settings", str(tmp_path))
    with Stethoscope(site, account, *options, *FAST) as device:
        device.wait_for("SETTINGS")
        heard = "network ok access point stetho-new, hears 4, the best -48 dBm"
        assert lines_of_test(device, "network") == [heard, "PASS"]
        address = f"host={site.broker.host}&port={site.broker.port}&tls=0"
        device.say(f"set {address}&device_id={ID}&password={account.password}")
        device.wait_for(READY)
        lines = lines_of_test(device)
        assert [line.split()[:2] for line in lines] == [
            *(["board", "ok"], ["microphone", "ok"], ["display", "ok"], ["button", "ok"]),
            *(["network", "ok"], ["flash", "ok"], ["psram", "none"], ["battery", "none"]),
            ["PASS"],
        ]
        device.say("press")  # the verdict was read
        device.say("microphone out")
        device.say("display out")
        device.say("unplug")
        device.wait_for("no network")
        device.wait_for("the display does not answer")
        failed = [line for line in lines_of_test(device) if "FAIL" in line]
        assert failed == [
            "microphone FAIL silent: check SD, SCK, WS and power",
            "display FAIL does not answer: check SDA, SCL, power and its address",
            "network FAIL not joined within 20 s: check antenna, name and password",
            "FAIL",
        ]
        device.say("test flash --json")
        assert device.wait_for_result() == {
            "pass": True,
            "items": [
                {"item": "flash", "verdict": "ok", "detail": "written and read, no part for recordings"}
            ],
        }
        device.say("quit")
