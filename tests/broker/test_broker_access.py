"""Authentication, transports and packet sizes of the real broker."""

import ssl
from pathlib import Path

import pytest
from mqtt_probe import Probe

from broker import certificate
from broker.account import Credentials
from broker.mosquitto import Broker
from edge_worker.protocol import topics

pytest_plugins = ["broker_accounts"]

HEADER_AND_LARGEST_BODY = 32 + 65536


def test_a_wrong_password_is_refused(broker: Broker, device: Credentials) -> None:
    with Probe(broker.port, Credentials(device.username, "wrong")) as client:
        assert not client.is_accepted


def test_an_unknown_user_is_refused(broker: Broker) -> None:
    with Probe(broker.port, Credentials("st-99", "anything")) as client:
        assert not client.is_accepted


def test_an_anonymous_client_is_refused(broker: Broker) -> None:
    with Probe(broker.port, None) as client:
        assert not client.is_accepted


def test_mqtt_over_tls(broker: Broker, device: Credentials) -> None:
    with Probe(broker.tls_port, device, ca=broker.ca_path) as client:
        assert client.is_accepted


def test_mqtt_over_websocket_over_tls(broker: Broker, device: Credentials) -> None:
    with Probe(broker.tls_websocket_port, device, ca=broker.ca_path, transport="websockets") as client:
        assert client.is_accepted


def test_a_client_that_trusts_another_ca_does_not_connect(
    broker: Broker, device: Credentials, tmp_path: Path
) -> None:
    certificate.create_ca(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        Probe(broker.tls_port, device, ca=tmp_path / "ca.pem")


def test_mqtt_over_websocket(broker: Broker, worker: Credentials, device: Credentials) -> None:
    with (
        Probe(broker.websocket_port, worker, transport="websockets") as receiver,
        Probe(broker.port, device) as sender,
    ):
        receiver.subscribe(topics.ALL_PCM)
        sender.publish(topics.pcm("st-01"), b"sound")
        receiver.wait_for(topics.pcm("st-01"))


def test_a_websocket_client_does_not_take_over_a_client_id(
    broker: Broker, device: Credentials, other_device: Credentials
) -> None:
    with (
        Probe(broker.port, other_device) as owner,
        Probe(broker.websocket_port, device, client_id="st-02", transport="websockets") as impostor,
    ):
        assert impostor.is_accepted
        owner.publish(topics.state("st-02"))
        assert not owner.disconnected.is_set()


def test_the_largest_chunk_fits(broker: Broker, worker: Credentials) -> None:
    longest = broker.add_user("device", "d" * 32)
    chunk = bytes(HEADER_AND_LARGEST_BODY)
    with Probe(broker.port, worker) as receiver, Probe(broker.port, longest) as sender:
        receiver.subscribe(topics.ALL_PCM)
        sender.publish(topics.pcm(longest.username), chunk)
        receiver.wait_for(topics.pcm(longest.username))
        assert receiver.received[-1][1] == chunk


def test_an_oversize_packet_disconnects_only_its_sender(
    broker: Broker, worker: Credentials, device: Credentials, other_device: Credentials
) -> None:
    with (
        Probe(broker.port, worker) as receiver,
        Probe(broker.port, device) as sender,
        Probe(broker.port, other_device) as neighbour,
    ):
        receiver.subscribe(topics.ALL_PCM)
        sender.send_unacknowledged(topics.pcm("st-01"), bytes(2 * HEADER_AND_LARGEST_BODY))
        assert sender.disconnected.wait(10)
        neighbour.publish(topics.pcm("st-02"))
        receiver.wait_for(topics.pcm("st-02"))
        assert receiver.topics == [topics.pcm("st-02")]


def test_the_configuration_loads_and_reloads_without_a_warning(tmp_path: Path) -> None:
    """Except for the warning about root, which applies to tests in a container."""
    with Broker(tmp_path / "broker", websocket=True, tls=True) as running:
        for role, name in (("device", "st-01"), ("worker", ""), ("operator", "ann")):
            running.add_user(role, name)
    lines = running.log_path.read_text().splitlines()
    assert any("conf.d/listeners.conf" in line for line in lines), "2.1 quotes the name, 2.0 does not"
    warnings = [line for line in lines if "warning" in line.lower() or "error" in line.lower()]
    assert [line for line in warnings if "should not be run as root" not in line] == []
