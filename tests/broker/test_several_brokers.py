"""A program with several addresses of the broker: it goes on with another when one ends, or hangs."""

import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import wait_until
from mqtt_probe import Probe

from broker.nats.cluster import NatsCluster
from broker.nats.node import Node
from edge_worker import broker_address
from edge_worker.broker_address import BrokerAddress
from edge_worker.errors import BrokerError
from edge_worker.mqtt import broker_order, session
from edge_worker.mqtt.broker_order import BrokerOrder
from edge_worker.mqtt.connection import Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import shard_of
from edge_worker.settings import Settings

WITHIN_S = 60.0


class Recorder:
    """Listener that keeps and acknowledges what comes."""

    connection: Connection

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.times_connected = 0

    def on_connected(self) -> None:
        self.times_connected += 1

    def on_disconnected(self) -> None:
        """Nothing is open."""

    def on_message(self, message: Inbound) -> None:
        self.payloads.append(message.payload)
        self.connection.ack(message)

    def on_published(self, number: int) -> None:
        """Nothing is published."""

    def loop_until(self, times_connected: int, payloads: int) -> None:
        deadline = time.monotonic() + WITHIN_S
        while self.times_connected < times_connected or len(set(self.payloads)) < payloads:
            assert time.monotonic() < deadline
            self.connection.loop()


def settings_of(cluster: NatsCluster, host: str, password: str) -> Settings:
    return Settings(
        broker="nats",
        mqtt_host=host,
        mqtt_password=password,
        database_url="postgresql+psycopg://nobody@127.0.0.1/none",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.lan", [("a.lan", 1883)]),
        ("a.lan, b.lan:8883", [("a.lan", 1883), ("b.lan", 8883)]),
        ("::1", [("::1", 1883)]),
        ("[::1]:8883,10.0.0.1:1", [("::1", 8883), ("10.0.0.1", 1)]),
    ],
)
def test_addresses_are_read(text: str, expected: list[tuple[str, int]]) -> None:
    assert broker_address.parse(text, 1883) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a,", "a b", "a:0", "a:65536", "a:x", "a:1883,:1883", "..", "a:-1", "[::1]:", "a;b", "http://a"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        broker_address.parse(text, 1883)


def test_an_address_is_shown_as_it_is_typed() -> None:
    for text in ("a.lan:1883", "[::1]:8883"):
        assert str(broker_address.parse(text, 1)[0]) == text
    assert BrokerAddress("a", 1) == ("a", 1)


def test_a_session_goes_on_at_another_node_when_its_own_ends_or_hangs(tmp_path: Path) -> None:
    with NatsCluster(tmp_path) as cluster, socket.create_server(("127.0.0.1", 0)) as closed:
        device, worker = cluster.add_user("device", "st-01"), cluster.add_user("worker")
        nobody = closed.getsockname()[1]
        closed.close()
        host = f"127.0.0.1:{nobody},{cluster.address}"
        pattern = topics.shard_pcm(shard_of("st-01"))
        with Probe(cluster.port, worker, clean_session=False) as first:
            first.subscribe(pattern)  # so that nothing is sent before there is a session
        recorder = Recorder()
        recorder.connection = Connection(
            settings_of(cluster, host, worker.password),
            [pattern],
            None,
            recorder,
        )
        recorder.loop_until(1, 0)
        connected = cluster.ports.index(recorder.connection._session.socket.getpeername()[1])
        sender = (connected + 1) % 3
        with Probe(cluster.ports[sender], device, reconnects=True) as probe:
            probe.publish(topics.pcm("st-01"), b"before")
            recorder.loop_until(1, 1)
            cluster.kill_node(connected)
            probe.publish_all(topics.pcm("st-01"), [b"after"], within_s=WITHIN_S)
            recorder.loop_until(2, 2)
            cluster.start_node(connected)
        recorder.connection.close(1)


def test_a_refusal_of_nats_is_final_only_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session._REFUSED_FOR_S, "nats", 2.0)
    with NatsCluster(tmp_path, nodes=1, access=1) as cluster:
        recorder = Recorder()
        settings = settings_of(cluster, cluster.address, "wrong")
        recorder.connection = Connection(settings, [], None, recorder)
        began = time.monotonic()
        with pytest.raises(BrokerError, match="refuses user 'worker'"):
            recorder.loop_until(1, 0)
        assert time.monotonic() - began >= 2.0


def test_a_subscription_that_is_refused_is_asked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused here for lack of a right; an account that gets it would be let in with it."""
    with NatsCluster(tmp_path, nodes=1, access=1) as cluster:
        account = cluster.add_user("notify")
        settings = replace(settings_of(cluster, cluster.address, account.password), mqtt_username="notify")
        recorder = Recorder()
        wanted = [topics.ALL_RESULTS, topics.ALL_STATES, topics.ALL_PCM]
        recorder.connection = Connection(settings, wanted, None, recorder, is_persistent=False)
        while caplog.text.count("event=subscription_refused") < 2:
            recorder.loop_until(1, 0)
            recorder.connection.loop()
        assert caplog.text.count(f"topics={topics.ALL_PCM}") == 2
        assert topics.ALL_RESULTS not in caplog.text.replace(topics.ALL_PCM, "")
        recorder.connection.close(1)


def consumers_of(cluster: NatsCluster) -> int:
    """Return how many subscriptions NATS keeps, each on all nodes."""
    with urlopen(f"http://{cluster.nodes[0].monitor}/jsz") as answer:
        return int(json.load(answer)["consumers"])


@pytest.mark.parametrize(("is_persistent", "kept"), [(False, 0), (True, 1)])
def test_nats_keeps_the_subscriptions_of_those_alone_who_come_back_for_their_messages(
    tmp_path: Path, is_persistent: bool, kept: int
) -> None:
    with NatsCluster(tmp_path, nodes=1, access=1) as cluster:
        device, worker = cluster.add_user("device", "st-01"), cluster.add_user("worker")
        recorder = Recorder()
        settings = settings_of(cluster, cluster.address, worker.password)
        recorder.connection = Connection(
            settings, [topics.ALL_STATES], None, recorder, is_persistent=is_persistent
        )
        with Probe(cluster.port, device) as probe:
            recorder.loop_until(1, 0)
            probe.publish(topics.state("st-01"), b"{}", retain=True)
            recorder.loop_until(1, 1)
            assert consumers_of(cluster) == 1 + kept  # NATS has one of its own
        recorder.connection.close(1)


def test_a_node_that_hangs_is_left_out_by_the_others_and_tried_last_by_sessions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Until the others do, they ask the program beside it who is let in."""
    monkeypatch.setattr(broker_order, "_KEEPALIVE_OF_SEVERAL_S", 1)
    monkeypatch.setattr(BrokerOrder, "_failed_at", {})
    with NatsCluster(tmp_path) as cluster:
        worker = cluster.add_user("worker")
        settings = settings_of(cluster, cluster.address, worker.password)
        recorder = Recorder()
        recorder.connection = Connection(settings, [], None, recorder, is_persistent=False)
        recorder.loop_until(1, 0)
        address = BrokerAddress(*recorder.connection._session.socket.getpeername())
        number = cluster.ports.index(address.port)
        hung, other = cluster.nodes[number], cluster.nodes[(number + 1) % 3]
        cluster.pause_node(number)
        recorder.loop_until(2, 0)
        assert recorder.connection._session.socket.getpeername() != address
        tried = {BrokerOrder(settings.brokers).next(time.monotonic()) for _ in range(30)}
        assert address not in tried
        wait_until(lambda: hung.name not in routes_of(other), "no route to it", 30)
        cluster.resume_node(number)
        wait_until(lambda: hung.name in routes_of(other), "a route to it again", 30)
        recorder.connection.close(1)


def routes_of(node: Node) -> set[str]:
    with urlopen(f"http://{node.monitor}/routez") as answer:
        return {route["remote_name"] for route in json.load(answer)["routes"]}
