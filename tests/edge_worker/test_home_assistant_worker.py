"""Discovery through the real broker, worker and API; a plain client stands for Home Assistant."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import Client, Device, beep, cut, wait_until
from home_assistant_rules import check

from broker.account import Credentials
from edge_worker.protocol import topics
from simulator.site.site import Site

ON = {"STETHO_HOME_ASSISTANT": "on"}
CONFIG = topics.home_assistant("st-01")
HERE = '{"state":"online","boot":"a"}'
GONE = '{"state":"offline","boot":"a"}'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Site, Credentials]]:
    """A site, and an account of Home Assistant at its broker."""
    with Site(tmp_path / "site", {"STETHO_GIVE_UP_S": "3"}) as site:
        yield site, site.broker.add_user("homeassistant")


def configs(client: Client) -> list[bytes]:
    return [bytes(each.payload) for each in list(client.messages) if each.topic == CONFIG]


def retained(site: Site) -> list[bytes]:
    """Return the retained messages that a new client receives."""
    with Client(site.broker, site.operator, "homeassistant/#", "stetho/v1/worker/+") as late:
        wait_until(lambda: late.documents("stetho/v1/worker/edge-01"), "the retained messages")
        return configs(late)


def born(assistant: Client) -> bool:
    """Say that Home Assistant has started; a new worker may hear it before its own retained descriptions."""
    assistant.publish(topics.HOME_ASSISTANT_STATUS, "online")
    return True


def test_a_stethoscope_is_announced_again_at_birth_and_withdrawn_when_deleted(
    house: tuple[Site, Credentials],
) -> None:
    site, account = house
    site.start_worker(settings=ON)
    api = site.start_api()
    with Client(site.broker, account, "homeassistant/#") as assistant, Device(site, "st-01") as device:
        device.publish(topics.info("st-01"), '{"firmware":"1.2.0","hardware":"esp32-s3"}', retain=True)
        device.publish(topics.state("st-01"), HERE, retain=True)
        wait_until(lambda: configs(assistant), "the description")
        description = assistant.documents(CONFIG)[-1]
        check(description)
        assert description["device"]["sw_version"] == "1.2.0"
        device.send_all(cut(beep(16_000), 1))
        device.wait_for(topics.device_result("st-01"))

        assistant.publish(topics.HOME_ASSISTANT_STATUS, "online")
        wait_until(lambda: len(configs(assistant)) == 2, "the description again")
        assert configs(assistant)[0] == configs(assistant)[1]
        assert retained(site) == configs(assistant)[:1]

        device.publish(topics.state("st-01"), GONE, retain=True)
        wait_until(
            lambda: requests.delete(f"{api}/api/v1/devices/st-01", timeout=30).status_code == 204, "deletion"
        )
        wait_until(lambda: configs(assistant)[-1] == b"", "the description to be taken back")
        assert retained(site) == []
        assistant.publish(topics.HOME_ASSISTANT_STATUS, "online")
        device.publish(topics.state("st-01"), HERE, retain=True)  # it comes back
        wait_until(lambda: configs(assistant)[-1], "the description of a device that came again")
        assert len(configs(assistant)) == 4, (
            "and none in between: a deleted device is not announced again at birth"
        )


def test_a_new_worker_knows_the_announced_devices_and_withdraws_them_when_off(
    house: tuple[Site, Credentials],
) -> None:
    site, account = house
    worker = site.start_worker(settings=ON)
    foreign = topics.home_assistant("other")
    with Device(site, "st-01") as device, Client(site.broker, account, "homeassistant/#") as assistant:
        device.publish(topics.state("st-01"), HERE, retain=True)
        device.send_all(cut(beep(16_000), 1))
        device.wait_for(topics.device_result("st-01"))
        wait_until(lambda: configs(assistant), "the description")
        device.publish(topics.state("st-01"), GONE, retain=True)
        worker.stop()
        worker = site.start_worker(settings=ON)
        wait_until(
            lambda: born(assistant) and len(configs(assistant)) > 1, "the description of a device that is off"
        )
        assert len(set(configs(assistant))) == 1
        worker.stop()
    neighbour = site.broker.add_user("worker", "two")
    with Client(site.broker, neighbour) as other:
        other.publish(foreign, '{"origin":{"name":"Stetho Edge worker edge-02"}}', retain=True)
    worker = site.start_worker()
    with Client(site.broker, account, "homeassistant/#") as assistant:
        wait_until(lambda: retained(site) == [], "nothing to be left")
        wait_until(lambda: assistant.documents(foreign), "what belongs to another worker")
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


def test_nothing_is_announced_while_discovery_is_off(house: tuple[Site, Credentials]) -> None:
    site, account = house
    site.start_worker()
    with Device(site, "st-01") as device, Client(site.broker, account, "homeassistant/#") as assistant:
        device.publish(topics.info("st-01"), '{"firmware":"1.2.0"}', retain=True)
        device.publish(topics.state("st-01"), HERE, retain=True)
        assistant.publish(topics.HOME_ASSISTANT_STATUS, "online")
        device.send_all(cut(beep(16_000), 1))
        device.wait_for(topics.device_result("st-01"))
        assert configs(assistant) == []


def test_invalid_payloads_on_its_topics_do_no_harm(house: tuple[Site, Credentials]) -> None:
    site, account = house
    worker = site.start_worker(settings=ON)
    with Device(site, "st-01") as device, Client(site.broker, account, "homeassistant/#") as assistant:
        for nonsense in ("{", "[]", "7", '{"firmware":[],"hardware":{}}', "[" * 50_000):
            device.publish(topics.info("st-01"), nonsense)
            assistant.publish(topics.HOME_ASSISTANT_STATUS, nonsense)
        device.publish(topics.state("st-01"), HERE, retain=True)
        device.send_all(cut(beep(16_000), 1))
        device.wait_for(topics.device_result("st-01"))
        wait_until(lambda: configs(assistant), "the description")
        check(assistant.documents(CONFIG)[-1])
    assert worker.stop() == 0
    assert "Traceback" not in worker.log
