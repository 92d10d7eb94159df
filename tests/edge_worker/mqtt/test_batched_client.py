"""Reader of messages: held to paho's own, packet by packet, wherever the stream of bytes is cut."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
from conftest import Client
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from broker.mosquitto import Broker
from edge_worker.mqtt import batched_client, socket_wait
from edge_worker.mqtt.batched_client import BatchedClient
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import topics

_V3, _V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5
_WITHIN_S = 30.0
_CONNACK = {_V3: b"\x20\x02\x00\x00", _V5: b"\x20\x03\x00\x00\x00"}
_LARGEST = 200
"""Bytes of a packet that is read here, in these tests."""


def _packet(first: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while size or not length:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
    return bytes([first]) + length + body


def _message(
    topic: bytes, payload: bytes, mid: int = 1, *, flags: int = 0x02, properties: bytes | None = None
) -> bytes:
    """Return a PUBLISH; `properties` is None in MQTT 3.1.1. Flags: 1 retained, 2 QoS 1, 4 QoS 2, 8 again."""
    packet_id = struct.pack("!H", mid) if flags & 0x06 else b""
    more = b"" if properties is None else bytes([len(properties)]) + properties
    return _packet(0x30 | flags, struct.pack("!H", len(topic)) + topic + packet_id + more + payload)


_USER_PROPERTY = b"\x26\x00\x01a\x00\x01b"


def _packets(protocol: MQTTProtocolVersion) -> st.SearchStrategy[bytes]:
    topics = st.sampled_from([b"stetho/v1/device/st-01/up/pcm", b"a", b"", b"\xff\xfe", "ä".encode()])
    properties = st.none() if protocol is _V3 else st.sampled_from([b"", b"", _USER_PROPERTY, b"\x99"])
    payloads = st.binary(max_size=40) | st.integers(100, 400).map(bytes)
    messages = st.builds(
        lambda topic, payload, mid, flags, more: _message(topic, payload, mid, flags=flags, properties=more),
        *(topics, payloads, st.integers(0, 3), st.integers(0, 15), properties),
    )
    others = st.sampled_from(
        [
            b"\xd0\x00",  # PINGRESP
            b"\xc0\x00",  # PINGREQ, which no broker sends
            b"\x40\x02\x00\x01",  # PUBACK of what the client has published
            b"\x40\x02\x00\x63",
            b"\x62\x02\x00\x02",  # PUBREL
            b"\x90\x03\x00\x01\x01" if protocol is _V3 else b"\x90\x04\x00\x01\x00\x01",  # SUBACK
        ]
    )
    malformed = st.binary(min_size=1, max_size=6) | st.sampled_from(
        [
            b"\x32\xff\xff\xff\xff\x01",
            b"\x32\x00",
            b"\x32\x01\x00",
            b"\x30\x02\x00\x05",
            b"\x32\x04\x00\x01a\x00",
        ]
    )
    return st.one_of(messages, messages, messages, others, malformed)


class _Run:
    """A client that is connected to a socket of the test, and what happens to it."""

    def __init__(self, kind: Callable[..., mqtt.Client], protocol: MQTTProtocolVersion) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.client = client = kind("worker", self._receive, protocol=protocol)
        client.on_publish = lambda _c, _d, mid, *_: self.events.append(("published", mid))
        client.on_subscribe = lambda _c, _d, mid, *_: self.events.append(("subscribed", mid))
        client.on_connect = lambda *_: self.events.append(("connected",))
        client.on_disconnect = lambda *_: self.events.append(("disconnected",))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client.connect(*listener.getsockname()[:2])
            self.broker = listener.accept()[0]
        client.publish("out", b"x", qos=1)
        self.broker.settimeout(_WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.broker.close()

    def _receive(self, message: Inbound) -> None:
        self.events.append(("message", *message))
        if message.mid:
            self.client.ack(message.mid, 1)

    def read(self, timeout_s: float = _WITHIN_S) -> None:
        """Wait for something to read, and read all of it."""
        while _has_input(self.client, timeout_s):
            self.client.loop_read()
            _write(self.client)
            timeout_s = 0

    def replay(self, pieces: list[bytes]) -> None:
        """Read a stream in these pieces, up to its end; how it ended is the last event."""
        try:
            for piece in pieces:
                with contextlib.suppress(OSError):  # the client has had enough of it
                    self.broker.sendall(piece)
                self.read(0)
            with contextlib.suppress(OSError):
                self.broker.shutdown(socket.SHUT_WR)
            while self.client.socket() is not None:
                self.read()
        except Exception as error:  # paho's, of what is malformed
            self.events.append(("raised", type(error)))

    def said(self) -> bytes:
        """Return all that the client has sent since the last time."""
        _write(self.client)
        said = b""
        with contextlib.suppress(OSError):  # closed, with something unread
            while socket_wait.wait([self.broker], [], 0)[0] and (part := self.broker.recv(2**16)):
                said += part
        return said


def _write(client: mqtt.Client) -> None:
    if isinstance(client, BatchedClient):
        client.flush()
    else:
        client.loop_write()


def _has_input(client: mqtt.Client, timeout_s: float) -> bool:
    """Return whether there is something to read, now or after a wait."""
    connection: Any = client.socket()
    if connection is None or (isinstance(client, BatchedClient) and client.has_more):
        return connection is not None
    return bool(socket_wait.wait([connection], [], timeout_s)[0])


def _paho_alone(
    client_id: str, receive: Callable[[Inbound], None], *, protocol: MQTTProtocolVersion
) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, manual_ack=True)

    def on_message(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        receive(Inbound(topic, bytes(message.payload), message.retain, message.mid))

    client.on_message = on_message
    return client


def _assert_same(protocol: MQTTProtocolVersion, stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [_CONNACK[protocol], *(stream[start:end] for start, end in pairwise(places))]
    with _Run(_paho_alone, protocol) as paho, _Run(BatchedClient, protocol) as ours:
        paho.replay([b"".join(pieces)])
        ours.replay(pieces)
        assert ours.events == paho.events
        said, expected = sorted((ours.said(), paho.said()), key=len)
    # One that gives up on what is malformed, with the rest unread, may lose the last that it sent.
    assert expected.startswith(said)


@pytest.fixture(autouse=True, scope="module")
def small_packets() -> Iterator[None]:
    """Packets of more than a few bytes count as large, and are left to paho."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batched_client, "LARGEST_PACKET", _LARGEST)
        yield


@pytest.mark.parametrize("protocol", [_V3, _V5])
@given(data=st.data())
def test_it_does_what_paho_does(protocol: MQTTProtocolVersion, data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(_packets(protocol), max_size=12)))
    _assert_same(protocol, stream, data.draw(st.lists(st.integers(0, 10_000), max_size=6)))


@pytest.mark.parametrize("protocol", [_V3, _V5])
def test_a_stream_may_be_cut_anywhere(protocol: MQTTProtocolVersion) -> None:
    none = None if protocol is _V3 else b""
    stream = b"".join(
        [
            _message(b"a/b", b"12", 1, properties=none),
            _message(b"a/c", bytes(150), 2, flags=3, properties=none),
            b"\x40\x02\x00\x01",
            _message(b"a/d", bytes(_LARGEST), 3, properties=none),
            _message(b"a/e", b"", flags=0, properties=none),
            _message(b"a/f", b"once", 4, flags=4, properties=none),
            b"\x62\x02\x00\x04\xd0\x00",
        ]
    )
    for cut in range(len(stream)):
        _assert_same(protocol, stream, [cut])
    _assert_same(protocol, stream, list(range(len(stream))))


def test_many_messages_are_acknowledged_with_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    send = mqtt.Client._sock_send

    def send_noted(client: mqtt.Client, data: bytes) -> int:
        writes.append(bytes(data))
        return send(client, data)

    monkeypatch.setattr(mqtt.Client, "_sock_send", send_noted)
    with _Run(BatchedClient, _V3) as run:
        run.said()
        writes.clear()
        run.broker.sendall(_CONNACK[_V3] + b"".join(_message(b"a", b"x", mid) for mid in range(1, 41)))
        assert _has_input(run.client, _WITHIN_S)
        run.client.loop_read(41)
        run.client.publish("b", b"y")
        assert (run.client.want_write(), writes) == (True, [])
        _write(run.client)
        acks = b"".join(b"\x40\x02" + struct.pack("!H", mid) for mid in range(1, 41))
        assert writes == [acks + _message(b"b", b"y", flags=0)]
        assert not run.client.want_write()


def test_what_the_socket_does_not_take_waits_in_order() -> None:
    with _Run(BatchedClient, _V3) as run:
        run.broker.sendall(_CONNACK[_V3])
        run.read()
        run.said()
        sent = b"".join(_message(b"big", bytes([number]) * 60_000, flags=0) for number in range(200))
        for number in range(200):
            run.client.publish("big", bytes([number]) * 60_000)
        _write(run.client)
        assert run.client.want_write()
        said = b""
        while len(said) < len(sent):
            said += run.said()
        assert said == sent
        assert not run.client.want_write()


def test_a_farewell_is_sent_before_the_socket_is_closed() -> None:
    with _Run(BatchedClient, _V3) as run:
        run.broker.sendall(_CONNACK[_V3] + _message(b"a", b"x"))
        run.read()
        run.said()
        run.client.ack(9, 1)
        run.client.disconnect()
        assert run.broker.recv(100) == b"\x40\x02\x00\x09\xe0\x00"
        assert run.broker.recv(100) == b""


def test_it_pings_when_paho_does_and_gives_up_when_paho_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pings = mqtt.time_func(), 0
    monkeypatch.setattr(mqtt, "time_func", lambda: now)
    with _Run(_paho_alone, _V3) as paho, _Run(BatchedClient, _V3) as ours:
        for arrives in (_CONNACK[_V3], *[_message(b"a", b"x")] * 4, b"\xd0\x00", b"", b"", b"", b"", b""):
            now += 25  # of the 60 s after which paho asks
            for run in (paho, ours):
                if arrives:
                    run.broker.sendall(arrives)
                    run.read()
                run.client.loop_misc()
            assert ours.events == paho.events
            said = ours.said()
            assert said == paho.said()
            pings += said.count(b"\xc0\x00")
            (heard,) = {"_last_bytes_received", "_last_msg_in"} & vars(paho.client).keys()  # by version
            assert vars(ours.client)[heard] == vars(paho.client)[heard]
    assert pings == 2
    assert ours.events[-1] == ("disconnected",)


def test_half_a_message_does_not_outlive_its_connection() -> None:
    with _Run(BatchedClient, _V3) as run, socket.create_server(("127.0.0.1", 0)) as listener:
        run.replay([_CONNACK[_V3], _message(b"a", b"half")[:-2]])
        run.client.connect(*listener.getsockname()[:2])
        with listener.accept()[0] as again:
            again.sendall(_CONNACK[_V3] + _message(b"b", b"whole"))
            run.read()
        assert run.events[-3:] == [
            ("disconnected",),
            ("connected",),
            ("message", "b", b"whole", False, 1),
        ]


def test_tls_holds_messages_that_no_wait_sees(tmp_path: Path) -> None:
    with Broker(tmp_path, tls=True) as broker:
        device, worker = broker.add_user("device", "st-01"), broker.add_user("worker")
        assert broker.tls_port is not None
        received: list[bytes] = []
        client = BatchedClient(worker.username, lambda message: received.append(message.payload))
        client.username_pw_set(worker.username, worker.password)
        client.tls_set(str(broker.ca_path))
        client.on_connect = lambda *_: client.subscribe(topics.pcm("st-01"), 0) and None
        client.on_subscribe = lambda *_: received.append(b"subscribed")
        client.connect(broker.host, broker.tls_port)
        client.flush()

        def read_until(count: int) -> None:
            while len(received) < count:
                assert _has_input(client, _WITHIN_S)
                client.loop_read()
                client.flush()

        read_until(1)
        sent = [b"%03d" % number for number in range(300)]
        with Client(broker, device) as sender:
            for payload in sent:
                sender.publish(topics.pcm("st-01"), payload)
        read_until(1 + len(sent))
        assert received[1:] == sent
        client.disconnect()
