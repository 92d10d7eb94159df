"""The firmware, as a Linux program, when network, broker or worker do not work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Client, wait_until
from lossy_proxy import LossyProxy
from stethoscope import ID, READY, Stethoscope, heart, kept, played_in, program, run, samples_of

from broker import certificate
from broker.account import Credentials
from broker.mosquitto import Broker
from edge_worker.protocol import topics
from simulator.device.network_fault import FaultRates
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds
FAST = ("--pace", "4")
"""Options that make everything four times as fast."""
VERY_FAST = ("--pace", "10")


@pytest.fixture
def operator(site: Site) -> Iterator[Client]:
    """Client of an operator, subscribed to results and to what the device publishes."""
    with Client(site.broker, site.operator, "stetho/v1/result/+", f"stetho/v1/device/{ID}/up/+") as client:
        yield client


def test_what_the_network_loses_doubles_delays_and_spoils_arrives_all_the_same(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 44_100)
    rates = FaultRates(loss=0.2, duplicate=0.2, reorder=4, corrupt=0.1)
    options = ("--audio", str(path), "--chunk", "2048", "--once", *FAST)
    with (
        LossyProxy(site.broker.port, rates, seed=3) as proxy,
        Stethoscope(site, account, *options, port=proxy.port) as device,
    ):
        compact = device.wait_for_result()
        assert device.wait() == 0
        assert proxy.chunks > 87, "some were sent again"
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (result["completeness"], result["missing"]) == ("complete", [])
    played_in(kept(site, result), samples_of(path))


def test_a_broker_that_refuses_a_subscription_is_called_again(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, 2)
    with (
        LossyProxy(site.broker.port, refuses=8) as proxy,  # of two connections at least: five each
        Stethoscope(site, account, "--audio", str(path), "--once", *FAST, port=proxy.port) as device,
    ):
        device.wait_for_result()
        assert device.wait() == 0
        assert device.display.count("the broker refuses a subscription") > 1
        assert "not subscribed" in device.display


def test_a_broker_that_is_killed_costs_nothing(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 44_100)
    with Stethoscope(site, account, "--audio", str(path)) as device:
        device.wait_for(READY)
        device.say("press")
        shown = device.wait_for(r"RECORDING +[12]\.\d")
        site.broker.kill()
        device.wait_for("offline: kept|OFFLINE", shown)
        site.broker.start()
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (result["completeness"], result["audio"]["samples"]) == ("complete", 176_400)
    played_in(kept(site, result), samples_of(path))


def test_a_worker_that_is_killed_costs_nothing(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    worker = site.start_worker()
    path = heart(tmp_path, 44_100)
    with Stethoscope(site, account, "--audio", str(path)) as device:
        device.wait_for(READY)
        device.say("press")
        device.wait_for(r"RECORDING +[12]\.\d")
        worker.kill()
        site.start_worker()
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert result["completeness"] == "complete"
    played_in(kept(site, result), samples_of(path))


def test_without_a_worker_it_says_so_and_keeps_the_recording(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    with Stethoscope(site, account, "--audio", str(heart(tmp_path, 4_000)), *FAST) as device:
        device.wait_for("no analyser")
        device.say("press")
        shown = device.wait_for("RECORDING")
        device.wait_for("no analyser", shown)
        site.start_worker()
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (result["completeness"], result["audio"]["samples"]) == ("complete", 16_000)


@pytest.mark.parametrize("clock_after_s", [0, 7], ids=["clock", "clock that comes later"])
def test_a6_out_of_reach_recordings_are_kept_and_sent_later_with_the_time_they_were_made(
    site: Site, account: Credentials, operator: Client, tmp_path: Path, clock_after_s: int
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000)
    options = ("--audio", str(path), "--seconds", "1", "--clock-after", str(clock_after_s))
    with Stethoscope(site, account, *options) as device:
        device.wait_for(READY)
        device.say("unplug")
        device.wait_for("OFFLINE")
        made: list[datetime] = []
        for number in (1, 2):
            made.append(datetime.now(UTC))
            device.say("press")
            device.wait_for(f"{number} kept, sent later")
        wait_until(
            lambda: datetime.now(UTC) > made[0] + timedelta(seconds=clock_after_s + 1), "the clock", 60
        )
        device.say("plug")
        wait_until(lambda: len(operator.documents(topics.result(ID))) == 2, "both results", 60)
        device.say("quit")
    results = sorted(operator.documents(topics.result(ID)), key=lambda each: str(each["captured_at"]))
    for result, at in zip(results, made, strict=True):
        assert (result["completeness"], result["captured_at_source"]) == ("complete", "device")
        assert abs(datetime.fromisoformat(result["captured_at"]) - at) < timedelta(seconds=1.5)
        played_in(kept(site, result), samples_of(path))


def test_a_full_memory_is_said_and_keeps_what_was_not_sent(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    options = ("--audio", str(heart(tmp_path, 4_000)), "--memory", "18432", "--chunk", "2048", *FAST)
    with Stethoscope(site, account, *options) as device:
        device.wait_for(READY)
        device.say("unplug")
        device.wait_for("OFFLINE")
        device.say("press")
        device.wait_for("1 kept, sent later")
        device.say("press")
        device.wait_for("memory full")
        device.say("plug")
        wait_until(lambda: operator.documents(topics.result(ID)), "the result", 60)
        device.say("quit")
    assert [each["completeness"] for each in operator.documents(topics.result(ID))] == ["complete"]


def test_an_application_that_hangs_loses_sound_but_not_time(
    site: Site, account: Credentials, operator: Client, tmp_path: Path
) -> None:
    site.start_worker()
    path = heart(tmp_path, 4_000, 6)
    with Stethoscope(site, account, "--audio", str(path), "--ring", "4096") as device:
        device.wait_for(READY)
        device.say("press")
        device.wait_for(r"RECORDING +1\.\d")
        device.say("stall 2.5")
        compact = device.wait_for_result()
        device.say("quit")
    result = operator.wait_for(topics.result(ID), recording_id=compact["recording_id"])
    assert (result["completeness"], result["audio"]["samples"]) == ("partial", 24_000)
    ((start, end),) = result["missing"]
    recorded, played = kept(site, result), samples_of(path)
    offset = recorded.find(played[:256])
    assert offset >= 0, result["missing"]
    assert recorded[offset : 2 * start] == played[: 2 * start - offset]
    assert recorded[2 * start : 2 * end] == bytes(2 * (end - start))
    assert recorded[2 * end :] == played[2 * end - offset : len(recorded) - offset], (
        "what follows is where it was"
    )
    assert 4_000 < end - start < 4 * 4_000


def test_a_broker_with_another_ca_is_not_trusted(tmp_path: Path, site: Site) -> None:
    other = tmp_path / "other"
    other.mkdir()
    certificate.create_ca(other)
    with Broker(tmp_path / "tls", tls=True) as broker:
        account = broker.add_user("device", ID)
        command = [
            str(program()),
            *("--port", str(broker.tls_port), "--device", ID, "--password", account.password),
            *("--once", "--timeout", "20", "--quiet"),
        ]
        refused = run([*command, "--cafile", str(other / "ca.pem")])
        assert refused.returncode == 2, refused.stderr
        assert "--cafile" in refused.stderr
        assert "unknown ca" in broker.log_path.read_text()
        trusted = run([*command, "--cafile", str(broker.ca_path), "--timeout", "2"])
        assert trusted.returncode == 1, trusted.stderr
        assert "no analyser" in trusted.stderr


def test_a_wrong_password_is_said(site: Site, account: Credentials) -> None:
    with Stethoscope(site, Credentials(account.username, "wrong"), *VERY_FAST) as device:
        device.wait_for("CONNECTING[^▒]*password refused")  # at once
        device.wait_for("(?i)OFFLINE(.|\\n)*refuse")
        device.say("quit")


def test_nobody_there_is_said_and_waited_out(site: Site, account: Credentials) -> None:
    site.broker.stop()
    with Stethoscope(site, account, *VERY_FAST) as device:
        device.wait_for("OFFLINE[^▒]*no broker")
        site.broker.start()
        device.wait_for("READY")
        device.say("quit")


def test_a_device_that_runs_too_fast_gives_the_broker_its_time(site: Site, account: Credentials) -> None:
    site.broker.stop()
    with Stethoscope(site, account, "--once", *FAST) as device:
        device.wait_for("CONNECTING")
        device.say("skip 60")
        site.broker.start()
        device.wait_for("no analyser")
