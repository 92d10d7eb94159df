"""A subscription that a broker refuses or does not answer, as a cluster that lost a node; lost messages."""

import socket

import pytest
from conftest import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker.protocol import topics
from simulator.device import mqtt_connection, stethoscope
from simulator.device.device import Device
from simulator.device.event_loop import EventLoop
from simulator.device.message import Message
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.device.stethoscope import Stethoscope
from simulator.site.site import Site

REFUSED = ReasonCode(PacketTypes.SUBACK, identifier=128)


def test_a_device_of_which_one_subscription_is_refused_works_and_asks_again(site: Site) -> None:
    names = [topics.control("st-01"), topics.device_result("st-01")]
    account = site.add_device("st-01")
    event_loop, asked = EventLoop(), list[int]()
    address = Address(site.broker.host, site.broker.port)
    connection = Connection(
        event_loop, address, Account("st-01", account.password), names, lambda _message: None
    )
    answered = connection._on_subscribe

    def answer(client: object, data: object, number: int, codes: list[ReasonCode], rest: object) -> None:
        asked.append(len(codes))
        answered(client, data, number, [REFUSED, *codes[1:]] if len(asked) == 1 else codes, rest)

    connection._client.on_subscribe = answer
    connection.open()
    assert event_loop.run_until(lambda: asked == [2, 1], 30), "asked again for the one that was refused"
    assert connection.is_ready
    connection.close()
    event_loop.close()


def test_a_broker_that_does_not_answer_is_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_connection, "_ANSWER_WITHIN_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as broker:
        event_loop = EventLoop()
        address = Address("127.0.0.1", broker.getsockname()[1])
        connection = Connection(event_loop, address, Account("st-01", "secret"), [], lambda _message: None)
        connection.open()
        with broker.accept()[0]:
            broker.setblocking(False)

            def is_called() -> bool:
                try:
                    broker.accept()[0].close()
                except BlockingIOError:
                    return False
                return True

            assert event_loop.run_until(is_called, 30)
        connection.close()
        event_loop.close(0.05)


def test_a_device_that_was_not_told_of_a_worker_asks_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stethoscope, "ASK_AFTER_S", 0.0)
    account = site.add_device("st-01")
    event_loop, lost = EventLoop(), list[Message]()
    device = Stethoscope(
        Device("st-01", "a"),
        event_loop,
        Address(site.broker.host, site.broker.port),
        Account("st-01", account.password),
    )
    receive = device.connection._on_message

    def lose_the_first(message: Message) -> None:
        if lost:
            receive(message)
        lost.append(message)

    device.connection._on_message = lose_the_first
    with Client(site.broker, site._worker_account) as worker:
        worker.publish(topics.worker("edge-01"), '{"state":"ready"}', retain=True)
        device.connection.open()
        assert event_loop.run_until(lambda: bool(device.analysers), 30)
    assert all(message.retain for message in lost[:2])
    device.close()
    event_loop.close()
