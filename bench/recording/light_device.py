"""A stethoscope that costs the machine little: a socket, and packets of MQTT 3.1.1 that are made by hand."""

import contextlib
import heapq
import random
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Final

from bench.recording.heart_recording import SECONDS, payloads
from broker.account import Credentials
from edge_worker.protocol import topics

_CONNECT, _PUBLISH_QOS_1, _DISCONNECT = b"\x10", b"\x32", b"\xe0"
_MQTT_3_1_1: Final = b"\x04"
_WITH_ACCOUNT: Final = b"\xc2"
"""User name, password, clean session."""
_KEEPALIVE_S: Final = 600
_ACCEPTED: Final = b"\x20\x02\x00\x00"


class LightDevice:
    """One device that sends a recording after the other, chunk by chunk."""

    def __init__(self, account: Credentials, address: tuple[str, int], number: int) -> None:
        """Connect; recording ids begin with the `number` of the device."""
        self._number = number
        self._topic = _text(topics.pcm(account.username))
        self._chunks: list[bytes] = []
        self._recordings = self._packet_id = 0
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        level = _text("MQTT") + _MQTT_3_1_1 + _WITH_ACCOUNT + struct.pack("!H", _KEEPALIVE_S)
        names = (account.username, account.username, account.password)
        self._send(_CONNECT, level + b"".join(map(_text, names)))
        if self._socket.recv(4) != _ACCEPTED:
            raise RuntimeError(f"the broker refuses {account.username}")

    def send_next(self, sound: bytes) -> None:
        """Publish the next chunk of `sound`, which begins again with a new recording where it ends."""
        if not self._chunks:
            self._recordings += 1
            self._chunks = payloads(sound, (self._number << 32) + self._recordings)[::-1]
        with contextlib.suppress(BlockingIOError):  # what was acknowledged, and what the worker says
            self._socket.recv(65_536, socket.MSG_DONTWAIT)
        self._packet_id = self._packet_id % 65_000 + 1
        self._send(_PUBLISH_QOS_1, self._topic + struct.pack("!H", self._packet_id) + self._chunks.pop())

    def send_recording(self, sound: bytes) -> None:
        """Publish all chunks of the next recording."""
        self.send_next(sound)
        while self._chunks:
            self.send_next(sound)

    def finish(self) -> None:
        """End the connection once the broker has taken all that was sent."""
        self._send(_DISCONNECT, b"")
        while self._socket.recv(65_536):
            pass
        self._socket.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + _length(len(body)) + body)


def play(devices: Sequence[LightDevice], sound: bytes) -> Iterator[float]:
    """Let devices record in real time, each beginning at another moment; yield the seconds since the start.

    Once for each chunk, after it was sent.
    """
    period_s = SECONDS / len(payloads(sound, 0))
    started, chance = time.monotonic(), random.Random(1)
    due = [(started + chance.random() * SECONDS, number) for number in range(len(devices))]
    heapq.heapify(due)
    while True:
        at, number = due[0]
        if (early_s := at - time.monotonic()) > 0:
            time.sleep(early_s)
        devices[number].send_next(sound)
        heapq.heapreplace(due, (at + period_s, number))
        yield time.monotonic() - started


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _length(size: int) -> bytes:
    """Return the remaining length of a packet: seven bits a byte, the lowest first."""
    encoded = b""
    while size > 127:
        encoded += bytes([size & 127 | 128])
        size >>= 7
    return encoded + bytes([size])
