"""Two holders of one account are noticed: by the program that is thrown out, and of devices by their boot."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from conftest import Client, Device, beep, cut, rows, wait_until

from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.shared_account import BootWatch, ShortConnections
from edge_worker.settings import Settings
from simulator.site.site import Site


class Deaf:
    """Listener that wants to hear nothing."""

    def on_connected(self) -> None: ...
    def on_disconnected(self) -> None: ...
    def on_message(self, message: Inbound) -> None: ...
    def on_published(self, number: int) -> None: ...


@contextmanager
def second_holder(settings: Settings) -> Iterator[None]:
    """Another program on another machine, with the account of these settings."""
    is_over = threading.Event()
    connection = Connection(settings, ["stetho/v1/worker/edge-01"], None, Deaf())

    def run() -> None:
        while not is_over.is_set():
            connection.loop()
        connection.close(1.0)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(30)


def faults(site: Site) -> list[str]:
    ((document,),) = rows(site, "SELECT document FROM workers") or [("{}",)]
    return list(json.loads(document).get("faults", []))


def test_a_worker_says_that_another_program_uses_its_account(site: Site) -> None:
    worker = site.start_worker()
    with Client(site.broker, site.operator, "stetho/v1/worker/+") as operator:
        with second_holder(Settings.from_environ(site.environ)):
            worker.wait_for("event=account_shared user=worker")
            worker.wait_for("event=degraded where=account")
            wait_until(
                lambda: any("another program" in each for each in faults(site)), "the fault to be shown"
            )
        reason = operator.wait_for("stetho/v1/worker/edge-01", state="degraded")["reason"]
        assert "'worker'" in reason
        assert "an account of its own" in reason
    with Device(site, "st-01") as device:  # it works again once it is alone
        device.send_all(cut(beep(16_000), 1))
        device.wait_for("stetho/v1/device/st-01/down/result")
    assert "Traceback" not in worker.log


def test_the_api_says_that_another_program_uses_its_account(site: Site) -> None:
    site.start_worker()
    health = f"{site.start_api()}/health"

    def broker() -> dict[str, str]:
        with urllib.request.urlopen(health, timeout=10) as answer:
            found: dict[str, str] = json.load(answer)["components"]["broker"]
            return found

    assert broker() == {"status": "ok"}
    settings = Settings.from_environ(site.environ)
    password = site.environ["STETHO_API_MQTT_PASSWORD"]
    with second_holder(replace(settings, mqtt_username="api", mqtt_password=password)):
        wait_until(lambda: broker()["status"] == "degraded", "the fault to be shown")
        assert "'api'" in broker()["detail"]
    wait_until(lambda: broker()["status"] == "ok", "the end of the fault", 90)


def test_two_devices_of_one_account_are_named(site: Site) -> None:
    worker = site.start_worker()
    with Device(site, "st-01") as device:
        for boot in ("a", "b", "a", "b", "a"):
            for state in ("online", "lost"):
                device.publish(
                    "stetho/v1/device/st-01/up/state", json.dumps({"state": state, "boot": boot}), retain=True
                )
        worker.wait_for("event=account_shared user=st-01")
    assert worker.log.count("event=account_shared") == 1


def test_connections_that_hold_or_end_for_other_reasons_are_no_second_holder() -> None:
    short = ShortConnections("worker")
    for start in range(0, 400, 100):  # a broker that is restarted now and then
        short.began(start)
        assert short.ended(start + 60) is False
    for start in range(0, 400, 100):  # Wi-Fi that comes and goes: each time short, but too seldom
        short.began(1000 + start)
        assert short.ended(1001 + start) is True
    assert not short.fault(1310)
    for _ in range(10):  # a broker that cannot be reached: no connection began
        short.ended(2000)
    assert not short.fault(2000)


def test_a_fault_ends_when_a_connection_holds() -> None:
    short = ShortConnections("worker")
    for start in range(4):
        assert not short.fault(start)
        short.began(start)
        short.ended(start + 0.5)
    assert short.fault(4)
    short.began(5)
    assert short.fault(20)
    assert not short.fault(36)


def test_boots_of_one_device_are_no_second_one() -> None:
    boots = BootWatch()
    assert not any(boots.saw("st-01", str(number), number) for number in range(100))
    for boot in ("x", "y", "x", "y"):  # a batch of states that the broker delivered twice
        assert not boots.saw("st-01", boot, 100.0)
    assert boots.shared(100.0) == []
    assert boots.saw("st-01", "x", 101.0)
    assert boots.shared(101.0) == ["st-01"]
    assert boots.shared(1000.0) == []


def test_what_is_remembered_of_devices_is_bounded() -> None:
    boots = BootWatch()
    for number in range(5000):
        boots.saw(f"d-{number}", "x" * 60_000, float(number))
    assert len(boots._boots) == 4096
    assert max(len(boot) for each in boots._boots.values() for boot in each) == 64
