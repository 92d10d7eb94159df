"""The firmware, as a Linux program, updated over HTTPS: cut off anywhere, rolled back, in safe mode."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import toolchain
from conftest import Client, wait_until
from image_server import BLOCK, ImageServer, image
from stethoscope import ID, READY, Stethoscope, crash_until_safe, provisioning

from broker.account import Credentials
from edge_worker import __version__
from edge_worker.protocol import topics
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = pytest.mark.timeout(600)  # the first one builds
BLOCKS = 5
NEW = "9.9.9"
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def curl(built: None) -> None:
    """The program with which the device fetches images."""
    toolchain.need("curl")


@pytest.fixture
def operator(site: Site) -> Iterator[Client]:
    """Client of an operator, subscribed to what the device publishes."""
    with Client(site.broker, site.operator, f"stetho/v1/device/{ID}/up/+") as client:
        yield client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ImageServer]:
    """Server of a whole image."""
    with ImageServer(tmp_path / "server", image(NEW, BLOCKS)) as running:
        yield running


def options(folder: Path) -> tuple[str, ...]:
    """Return the options of a device that keeps all it has in `folder`."""
    return ("--settings", str(folder / "settings"), "--slots", str(folder / "slots"))


def provision(site: Site, account: Credentials, server: ImageServer, device: Stethoscope) -> int:
    """Set up a device that has no settings; return the position of its display where it is ready."""
    device.wait_for("SETTINGS")
    device.say(f"{provisioning(site, account)}&ca={server.ca}")
    return device.wait_for(READY)


def update(operator: Client, server: ImageServer) -> None:
    """Send the device the command to update."""
    document = {"id": str(next(NUMBERS)), "command": "update", "args": {"url": server.url}}
    operator.publish(f"stetho/v1/device/{ID}/down/command", json.dumps(document))


def firmware(operator: Client) -> str:
    """Return the version that the device published last."""
    return str(operator.documents(topics.info(ID))[-1]["firmware"])


def test_an_update_whose_server_stops_at_any_block_leaves_the_old_firmware_and_the_next_one_works(
    site: Site, account: Credentials, operator: Client, server: ImageServer, tmp_path: Path
) -> None:
    site.start_worker()
    with Stethoscope(site, account, *options(tmp_path)) as device:
        at = provision(site, account, server, device)
        for cut in (*range(0, BLOCKS * BLOCK, BLOCK), 17, len(server.content) - 1):
            server.cut = cut
            update(operator, server)
            at = device.wait_for(r"ERROR[ │\n\d%]+update failed", at)
            device.say("press")
            at = device.wait_for(READY, at)
        assert server.requests == BLOCKS + 2
        assert firmware(operator) == f"stetho {__version__}"
        server.cut = None
        update(operator, server)
        wait_until(lambda: firmware(operator) == f"stetho {NEW}", "the new firmware")
        device.kill()
    with Stethoscope(site, account, *options(tmp_path)) as device:  # it was confirmed: it stays
        device.wait_for(READY)
        device.say("quit")
    assert firmware(operator) == f"stetho {NEW}"


def test_an_update_whose_device_is_switched_off_at_any_block_leaves_the_old_firmware(
    site: Site, account: Credentials, operator: Client, server: ImageServer, tmp_path: Path
) -> None:
    site.start_worker()
    spare = tmp_path / "slots" / "slot1"
    server.is_hanging = True
    with Stethoscope(site, account, *options(tmp_path)) as device:
        provision(site, account, server, device)
        device.say("quit")
    for block in range(BLOCKS):
        server.cut = block * BLOCK
        with Stethoscope(site, account, *options(tmp_path)) as device:
            device.wait_for(READY)
            assert firmware(operator) == f"stetho {__version__}"
            update(operator, server)
            wait_until(lambda: server.requests > block, "the request")  # noqa: B023
            wait_until(lambda: block == 0 or spare.stat().st_size == block * BLOCK, "the block")  # noqa: B023
            device.kill()
    server.cut = None
    server.is_hanging = False
    with Stethoscope(site, account, *options(tmp_path)) as device:
        device.wait_for(READY)
        update(operator, server)
        wait_until(lambda: firmware(operator) == f"stetho {NEW}", "the new firmware")
        device.say("quit")


@pytest.mark.parametrize("end", ["skip 301", "crash"], ids=["time", "crash"])
def test_a_new_firmware_that_never_reaches_the_broker_is_rolled_back(
    site: Site, operator: Client, server: ImageServer, tmp_path: Path, end: str
) -> None:
    site.start_worker()
    account = site.add_device(ID)
    boot = tmp_path / "slots" / "boot"
    server.cut = len(server.content) - 1
    server.is_hanging = True
    with Stethoscope(site, account, *options(tmp_path)) as device:
        at = provision(site, account, server, device)
        update(operator, server)
        at = device.wait_for("UPDATING", at)
        spare = tmp_path / "slots" / "slot1"
        wait_until(lambda: spare.exists() and spare.stat().st_size == (BLOCKS - 1) * BLOCK, "the image")
        site.broker.stop()
        server.go_on()
        wait_until(lambda: boot.exists() and boot.read_text() == "1 trial", "the new firmware")
        device.say(end)
        wait_until(lambda: boot.read_text() == "0 valid", "the old one")
        site.broker.start()
        device.wait_for(READY, at)
        device.say("quit")
    with Client(site.broker, site.operator, f"stetho/v1/device/{ID}/up/+") as later:
        later.wait_for(topics.state(ID), state="offline")
        assert firmware(later) == f"stetho {__version__}"


def test_what_is_no_image_of_this_firmware_is_not_taken(
    site: Site, account: Credentials, operator: Client, server: ImageServer, tmp_path: Path
) -> None:
    site.start_worker()
    good = server.content
    damaged = good[:BLOCK] + b"\x00" + good[BLOCK + 1 :]
    with Stethoscope(site, account, *options(tmp_path)) as device:
        at = provision(site, account, server, device)
        for content in (damaged, b"<html>" * BLOCK, b"", good + b"more"):
            server.content = content
            update(operator, server)
            at = device.wait_for(r"ERROR[ │\n\d%]+update failed", at)
            device.say("press")
            at = device.wait_for(READY, at)
        device.say("quit")
    assert firmware(operator) == f"stetho {__version__}"


def test_safe_mode_is_left_by_an_update(
    site: Site, account: Credentials, operator: Client, server: ImageServer, tmp_path: Path
) -> None:
    site.start_worker()
    with Stethoscope(site, account, *options(tmp_path)) as device:
        at = crash_until_safe(device, provision(site, account, server, device))
        operator.wait_for(topics.state(ID), state="online", safe_mode=True)
        server.cut = BLOCK
        update(operator, server)
        at = device.wait_for(r"ERROR[ │\n\d%]+update failed", at)
        at = device.wait_for("SAFE MODE", at)
        server.cut = None
        update(operator, server)
        device.wait_for(READY, at)
        device.say("quit")
    assert firmware(operator) == f"stetho {NEW}"
