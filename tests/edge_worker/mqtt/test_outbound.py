"""Messages that leave: their bytes are those of paho, and each is sent until the broker has it."""

import contextlib
import socket
from collections.abc import Iterator
from itertools import cycle

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_worker.mqtt import batched_output
from edge_worker.mqtt.batched_client import BatchedClient
from edge_worker.mqtt.outbound import Outbound, publish_packet

_V3, _V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5
_CONNACK = b"\x20\x02\x00\x00"
_WITHIN_S = 30.0


@pytest.mark.parametrize("protocol", [_V3, _V5])
@pytest.mark.parametrize("size", [0, 1, 100, 120, 20_000, 65_568])
def test_a_message_has_the_bytes_that_paho_writes(protocol: MQTTProtocolVersion, size: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    client._thread = object()  # type: ignore[assignment]  # paho then leaves packets in its queue
    with socket.socket() as unused:
        client._sock = unused
        for qos, retain in ((0, False), (1, False), (1, True)):
            mid = client.publish("stetho/v1/a", bytes(size), qos, retain).mid if qos else 0
            if not qos:
                client.publish("stetho/v1/a", bytes(size))
            ours = publish_packet(
                "stetho/v1/a", bytes(size), mid if qos else 0, retain=retain, is_v5=protocol is _V5
            )
            assert ours == client._out_packet.pop()["packet"]
        client._sock = None


class _Broker:
    """The other end of a client, which says what the test wants."""

    def __init__(self, client: BatchedClient, listener: socket.socket) -> None:
        self._client, self._listener = client, listener

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """Accept the client, and let it go again."""
        self._client.connect(*self._listener.getsockname()[:2])
        with self._listener.accept()[0] as connection:
            connection.settimeout(_WITHIN_S)
            self.heard(connection)
            connection.sendall(_CONNACK)
            self._read()
            yield connection
        while self._client.socket() is not None:
            self._client.loop_read()

    def heard(self, connection: socket.socket) -> bytes:
        """Return what the client sends now."""
        self._client.flush()
        return connection.recv(2**16)

    def acknowledge(self, connection: socket.socket, *mids: int) -> None:
        connection.sendall(b"".join(b"\x40\x02" + mid.to_bytes(2) for mid in mids))
        self._read(len(mids))

    def _read(self, packets: int = 1) -> None:
        connection = self._client.socket()
        assert connection is not None
        connection.setblocking(True)
        self._client.loop_read(packets)
        connection.setblocking(False)


@pytest.fixture
def published() -> list[int]:
    """Numbers of the messages that the broker has."""
    return []


@pytest.fixture
def client(published: list[int]) -> BatchedClient:
    client = BatchedClient("worker", lambda _message: None, published=published.append)
    client.on_connect = lambda *_: client.send_again()
    return client


@pytest.fixture
def broker(client: BatchedClient) -> Iterator[_Broker]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield _Broker(client, listener)


def _message(payload: bytes, mid: int, *, again: bool = False) -> bytes:
    packet = publish_packet("a", payload, mid, retain=False, is_v5=False)
    return bytes([packet[0] | (8 if again else 0)]) + packet[1:]


def test_what_the_broker_does_not_have_is_sent_again_and_before_what_is_new(
    client: BatchedClient, broker: _Broker, published: list[int]
) -> None:
    numbers = [client.send("a", b"%d" % number, retain=False) for number in range(3)]
    with broker.connection() as first:
        assert broker.heard(first) == b"".join(_message(b"%d" % number, number + 1) for number in range(3))
        broker.acknowledge(first, 2)
        assert published == [numbers[1]]
    numbers.append(client.send("a", b"3", retain=False))
    with broker.connection() as second:
        expected = _message(b"0", 1, again=True) + _message(b"2", 3, again=True) + _message(b"3", 4)
        assert broker.heard(second) == expected
        broker.acknowledge(second, 1, 3, 4)
    assert published == [numbers[1], numbers[0], numbers[2], numbers[3]]
    with broker.connection():
        assert not client.want_write()


def test_at_most_a_window_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch, broker: _Broker, client: BatchedClient
) -> None:
    monkeypatch.setattr(client._outbound, "_window", 2)
    for number in range(4):
        client.send("a", b"%d" % number, retain=False)
    with broker.connection() as connection:
        assert broker.heard(connection) == _message(b"0", 1) + _message(b"1", 2)
        assert not client.want_write()
        broker.acknowledge(connection, 1)
        assert client.want_write()
        assert broker.heard(connection) == _message(b"2", 3)


def test_much_leaves_in_parts(
    monkeypatch: pytest.MonkeyPatch, broker: _Broker, client: BatchedClient
) -> None:
    monkeypatch.setattr(batched_output, "_MOST_UNSENT", 100)
    sent = [_message(bytes(90), number + 1) for number in range(5)]
    for _ in sent:
        client.send("a", bytes(90), retain=False)
    with broker.connection() as connection:
        heard = b""
        while client.want_write():
            part = broker.heard(connection)
            assert len(part) <= 200
            heard += part
    assert heard == b"".join(sent)


def test_a_message_at_most_once_needs_a_connection(broker: _Broker, client: BatchedClient) -> None:
    client.send_at_most_once("a", b"lost")
    with broker.connection() as connection:
        client.send_at_most_once("a", b"now")
        assert broker.heard(connection) == publish_packet("a", b"now", 0, retain=False, is_v5=False)


def test_a_packet_id_in_use_is_not_given_twice() -> None:
    mids = cycle([1, 2, 3])
    outbound = Outbound(3, lambda: next(mids), is_v5=False)
    first, second, third = (outbound.add("a", b"", retain=False) for _ in range(3))
    assert len(list(outbound.next_packets())) == 3
    assert outbound.acknowledged(2) == second
    assert outbound.acknowledged(2) is None
    fourth = outbound.add("a", b"", retain=False)
    assert [*outbound.next_packets()] == [publish_packet("a", b"", 2, retain=False, is_v5=False)]
    assert [outbound.acknowledged(mid) for mid in (1, 2, 3)] == [first, fourth, third]
