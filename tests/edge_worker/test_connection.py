"""The loop around paho, at a real broker."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from conftest import Client

from broker.mosquitto import Broker
from edge_worker.connection import _AT_ONCE, Connection, Inbound
from edge_worker.protocol import topics
from edge_worker.settings import Settings

_WITHIN_S = 30.0


class Ear:
    """Acknowledges what comes, and keeps it."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.heard: list[bytes] = []
        self.is_connected = False

    def on_connected(self) -> None:
        self.is_connected = True

    def on_disconnected(self) -> None:
        self.is_connected = False

    def on_message(self, message: Inbound) -> None:
        assert self.connection is not None
        self.heard.append(message.payload)
        self.connection.ack(message)

    def on_published(self, mid: int) -> None:
        """Nothing is sent here."""


def _spin(connection: Connection, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not is_done():
        assert time.monotonic() < deadline
        connection.loop()


def test_a_flood_is_read_some_at_once_and_in_order(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        worker, device = broker.add_user("worker"), broker.add_user("device", "st-01")
        settings = Settings(
            mqtt_host=broker.host,
            mqtt_port=broker.port,
            mqtt_username=worker.username,
            mqtt_password=worker.password,
        )
        ear = Ear()
        connection = ear.connection = Connection(settings, [topics.ALL_PCM], None, ear)
        _spin(connection, lambda: ear.is_connected)
        with Client(broker, device) as sender:

            def is_subscribed() -> bool:
                sender.publish(topics.pcm("st-01"), b"subscribed?")
                return bool(ear.heard)

            _spin(connection, is_subscribed)
            sent = [b"%03d" % number for number in range(20 * _AT_ONCE)]
            for payload in sent:
                sender.publish(topics.pcm("st-01"), payload)
            counts = [0]

            def all_came() -> bool:
                counts.append(len(ear.heard))
                return sent[-1] in ear.heard

            _spin(connection, all_came)
        assert [each for each in ear.heard if each != b"subscribed?"] == sent
        assert max(after - before for before, after in pairwise(counts)) == _AT_ONCE
        connection.close(1.0)
