"""The firmware, as a Linux program with flash: what the worker has not stored survives a power cut."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Client, wait_until
from stethoscope import ID, Stethoscope, heart, kept, played_in, samples_of

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds


@pytest.fixture
def operator(site: Site) -> Iterator[Client]:
    """Client of an operator, subscribed to results and to what the device publishes."""
    with Client(site.broker, site.operator, "stetho/v1/result/+", f"stetho/v1/device/{ID}/up/+") as client:
        yield client


def test_20_recordings_made_offline_over_two_power_cuts_are_all_sent_with_their_times_once(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000)
    small = ("--memory", "8192", "--pace", "3")
    options = ("--audio", str(path), "--seconds", "1", "--flash", str(tmp_path / "flash"), *small)
    made: list[datetime] = []
    for count in (7, 6, 7):
        with Stethoscope(site, account, *options) as device:
            device.say("unplug")
            at = device.wait_for("OFFLINE")
            for _ in range(count):
                made.append(datetime.now(UTC))
                device.say("press")
                at = device.wait_for(f"{len(made)} kept, sent later", at)
            device.kill()
    with Stethoscope(site, account, *options) as device:
        wait_until(lambda: len(operator.documents(topics.result(ID))) == 20, "the results", 90)
        device.say("quit")
    results = operator.documents(topics.result(ID))
    assert len({str(result["recording_id"]) for result in results}) == 20
    for result, at_press in zip(
        sorted(results, key=lambda each: str(each["captured_at"])), made, strict=True
    ):
        assert (result["completeness"], result["captured_at_source"]) == ("complete", "device")
        assert abs(datetime.fromisoformat(result["captured_at"]) - at_press) < timedelta(seconds=1.5)
        assert result["audio"]["samples"] == 4_000
        played_in(kept(site, result), samples_of(path))


def test_power_cuts_at_any_moment_of_recording_lose_nothing_that_was_kept(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000)
    options = ("--audio", str(path), "--seconds", "1", "--flash", str(tmp_path / "flash"), "--pace", "4")
    moments = random.Random(19)
    shown = 0
    for _ in range(5):
        with Stethoscope(site, account, *options) as device:
            device.say("unplug")
            at = device.wait_for("OFFLINE")
            device.say("press")
            at = device.wait_for(rf"{shown + 1} kept, sent later", at)
            device.say("press")
            at = device.wait_for(r"RECORDING +0\.[1-9]", at)
            time.sleep(moments.uniform(0, 0.3))
            device.kill()
        with Stethoscope(site, account, *options) as device:
            device.say("unplug")
            at = device.wait_for(r"\d kept")
            shown = int(device.display[:at].split()[-2])
            device.kill()
    with Stethoscope(site, account, *options) as device:
        wait_until(lambda: len(operator.documents(topics.result(ID))) == shown, "the results", 90)
        device.say("quit")
    results = operator.documents(topics.result(ID))
    assert len({str(result["recording_id"]) for result in results}) == shown
    played = samples_of(path)
    lengths = []
    for result in results:
        assert result["completeness"] == "complete"
        played_in(kept(site, result), played)
        lengths.append(result["audio"]["samples"])
        assert result.get("cut_off", False) == (lengths[-1] < 4_000)
    assert lengths.count(4_000) >= 5


def test_a_flash_that_is_full_is_said_and_empties_when_the_worker_is_back(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xff" * 4_096 * 8)
    options = ("--audio", str(heart(tmp_path, 4_000)), "--seconds", "1", "--flash", str(flash))
    with Stethoscope(site, account, *options, "--memory", "8192", "--pace", "4") as device:
        device.say("unplug")
        at = device.wait_for("OFFLINE")
        made = 0
        while not device.display[:at].endswith("memory full"):
            made += 1
            device.say("press")
            at = device.wait_for(f"{made} kept, sent later|memory full", at)
        made -= 1
        assert made >= 3
        device.say("plug")
        wait_until(lambda: len(operator.documents(topics.result(ID))) == made, "the results", 60)
        at = device.wait_for("too short", at)
        device.say("press")
        device.wait_for("RECORDING", at)
