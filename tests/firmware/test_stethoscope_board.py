"""Parts of the board that fail or are not there: display, microphone."""

import pytest
from conftest import Client
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
