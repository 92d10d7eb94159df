"""Queues of an offline worker, and persistence across a kill of the broker."""

import struct

from conftest import wait_until
from mqtt_probe import Probe

from broker.account import Credentials
from broker.mosquitto import Broker
from edge_worker.protocol import topics

pytest_plugins = ["broker_accounts"]

PCM = topics.pcm("st-01")
SAVED_WITHIN_S = 20.0  # documented: 11 s; the rest is for a busy machine


def leave_session(broker: Broker, worker: Credentials) -> None:
    with Probe(broker.port, worker, clean_session=False) as client:
        client.subscribe(topics.ALL_PCM)


def numbered_payloads(count: int, body: bytes = b"") -> list[bytes]:
    return [struct.pack("<I", number) + body for number in range(count)]


def test_an_offline_worker_is_queued_more_than_the_default_thousand(own_broker: Broker) -> None:
    worker, device = own_broker.add_user("worker"), own_broker.add_user("device", "st-01")
    own_broker.start()
    leave_session(own_broker, worker)
    payloads = numbered_payloads(3000)
    with Probe(own_broker.port, device) as sender:
        sender.publish_all(PCM, payloads)
    with Probe(own_broker.port, worker, clean_session=False) as receiver:
        receiver.wait_for(PCM, len(payloads))
        assert [payload for _, payload in receiver.received] == payloads


def test_queues_sessions_and_retained_messages_survive_a_kill(own_broker: Broker) -> None:
    worker, device = own_broker.add_user("worker"), own_broker.add_user("device", "st-01")
    own_broker.start()
    leave_session(own_broker, worker)
    payloads = numbered_payloads(200, bytes(16384))
    with Probe(own_broker.port, device) as sender:
        sender.publish_all(PCM, payloads)
        sender.publish(topics.state("st-01"), b"online", retain=True)
    wait_for_a_save(own_broker)
    own_broker.kill()
    own_broker.start()
    with Probe(own_broker.port, worker, clean_session=False) as receiver:
        receiver.wait_for(PCM, len(payloads))
        assert [payload for _, payload in receiver.received] == payloads
        receiver.subscribe(topics.ALL_STATES)
        receiver.wait_for(topics.state("st-01"))


def test_a_regular_stop_loses_nothing(own_broker: Broker) -> None:
    worker, device = own_broker.add_user("worker"), own_broker.add_user("device", "st-01")
    own_broker.start()
    leave_session(own_broker, worker)
    with Probe(own_broker.port, device) as sender:
        sender.publish_all(PCM, numbered_payloads(50))
    own_broker.stop()
    own_broker.start()
    with Probe(own_broker.port, worker, clean_session=False) as receiver:
        receiver.wait_for(PCM, 50)


def wait_for_a_save(broker: Broker) -> None:
    """Wait until the broker completes a save, which replaces the file."""
    saved = broker.log_path.parent / "data" / "mosquitto.db"

    def inode() -> int:
        return saved.stat().st_ino if saved.exists() else 0

    before = inode()
    wait_until(lambda: inode() != before, "a save by itself", SAVED_WITHIN_S)
