"""Parts of the board that fail or are not there: display, microphone, battery."""

import pytest
import requests
from conftest import Client, wait_until
from stethoscope import ID, READY, Stethoscope, program

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

pytestmark = pytest.mark.timeout(600)  # the first one builds
FAST = ("--pace", "4")
"""Options that make everything four times as fast."""


@pytest.fixture(autouse=True)
def built() -> None:
    """Build the program first, so that no test builds while its processes run."""
    program()


@pytest.fixture
def account(site: Site) -> Credentials:
    """Account of a provisioned device."""
    return site.add_device(ID)


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
