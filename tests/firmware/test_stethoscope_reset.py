"""The firmware, as a Linux program, that crashes: at the end of a stack, again and again until safe mode."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Client, wait_until
from stethoscope import CRASHES, ID, READY, Stethoscope, crash_until_safe, program, provisioning
from toolchain import FIRMWARE

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds


@pytest.fixture
def operator(site: Site) -> Iterator[Client]:
    """Client of an operator, subscribed to what the device publishes."""
    with Client(site.broker, site.operator, f"stetho/v1/device/{ID}/up/+") as client:
        yield client


def states(operator: Client) -> list[tuple[str, bool | None]]:
    """Return the states that the device has published, each with its `safe_mode`."""
    return [(each["state"], each.get("safe_mode")) for each in operator.documents(topics.state(ID))]


def provision(site: Site, account: Credentials, device: Stethoscope) -> int:
    """Set up a device that has no settings; return the position of its display where it is ready."""
    device.wait_for("SETTINGS")
    device.say(provisioning(site, account))
    return device.wait_for(READY)


@pytest.mark.parametrize("way", ["press", "settings", "time", "restart"])
def test_three_crashes_lead_to_safe_mode_which_is_said_and_can_be_left(
    site: Site, account: Credentials, operator: Client, tmp_path: Path, way: str
) -> None:
    site.start_worker()
    with Stethoscope(site, account, "--settings", str(tmp_path)) as device:
        at = crash_until_safe(device, provision(site, account, device))
        operator.wait_for(topics.state(ID), state="online", safe_mode=True)
        operator.wait_for(topics.info(ID), safe_mode=True)
        assert operator.wait_for(topics.telemetry(ID), reset_reason="panic")
        command(operator, "record", seconds=1)  # not obeyed
        if way == "restart":
            command(operator, "restart")
        else:
            device.say({"press": "press", "settings": "set models=heart2", "time": "skip 601"}[way])
        device.wait_for(READY, at)
        device.say("quit")
    wait_until(lambda: states(operator)[-1] == ("offline", None), "the end")
    crashed = [("online", None), ("lost", None)] * CRASHES
    left = [("online", True), ("offline", True), ("online", None), ("offline", None)]
    assert states(operator) == crashed + left


def test_a_crash_in_safe_mode_leaves_the_broker_out_and_a_person_can_go_back(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    with Stethoscope(site, account, "--settings", str(tmp_path)) as device:
        at = crash_until_safe(device, provision(site, account, device))
        operator.wait_for(topics.state(ID), state="online", safe_mode=True)
        device.say("crash")
        at = device.wait_for("SETTINGS", at)
        operator.wait_for(topics.state(ID), state="lost")
        device.say("hold")
        at = device.wait_for("SAFE MODE", at)
        wait_until(lambda: states(operator)[-1] == ("online", True), "it calls the broker")
        command(operator, "restart")
        device.wait_for(READY, at)
        device.say("quit")


def test_power_off_between_crashes_counts_for_nothing(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    options = ("--settings", str(tmp_path))
    with Stethoscope(site, account, *options) as device:
        at = provision(site, account, device)
        for _ in range(CRASHES - 1):
            device.say("crash")
            at = device.wait_for(READY, at)
        device.kill()
    with Stethoscope(site, account, *options) as device:
        at = device.wait_for(READY)
        device.say("crash")
        device.wait_for(READY, at)
        device.say("quit")
    assert "SAFE MODE" not in device.display


def command(operator: Client, name: str, **arguments: object) -> None:
    """Send the device a command."""
    document = {"id": name, "command": name, "args": arguments}
    operator.publish(f"stetho/v1/device/{ID}/down/command", json.dumps(document))


@pytest.mark.parametrize(("part", "status"), [(0.2, 0), (1.0, 99)], ids=["fits", "does not"])
def test_the_application_has_no_more_stack_than_on_the_chip(part: float, status: int) -> None:
    found = re.search(r'kApplicationTask\{"application", ([\d\']+)', (FIRMWARE / "hal/tasks.h").read_text())
    assert found is not None
    frame = int(part * 2 * int(found[1].replace("'", "")))  # pointers are twice as large
    ended = subprocess.run(
        [program(), "--device", ID, "--password", "x", "--port", "1"],
        input=f"deep {frame}\nquit\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert ("stack-overflow" in ended.stderr) == (status != 0)
