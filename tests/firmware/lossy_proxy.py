"""TCP proxy between a device and its broker that loses, repeats, delays and corrupts chunks.

TCP loses nothing: a loss of MQTT is a broker that acknowledged and died, or a worker that did. The proxy
does the same: it acknowledges a chunk in the broker's name and drops it, sends it twice, late or corrupted.
It can refuse subscriptions, too, as a cluster does that has lost a node.
"""

import socket
import struct
import threading
from types import TracebackType
from typing import BinaryIO, Final, Self

from simulator.device.network_fault import FaultInjector, FaultRates

_PUBLISH: Final = 3
_PUBACK: Final = 0x40
_SUBACK: Final = 0x90
_REFUSED: Final = b"\x80"
_NO_FAULTS: Final = FaultRates()
_MORE: Final = 0x80
"""Bit of a length byte: another one follows."""


class LossyProxy:
    """MQTT proxy on a loopback port of its own. Use it as a context manager."""

    def __init__(self, port: int, rates: FaultRates = _NO_FAULTS, seed: int = 0, refuses: int = 0) -> None:
        """Prepare it for the broker at `port`; the first `refuses` subscriptions are refused."""
        self._broker_port = port
        self._refuses = refuses
        self._fault = FaultInjector(rates, seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.port: int = self._listener.getsockname()[1]
        self.chunks = 0
        """Number of chunks received from the device."""
        self.forwarded = 0
        """Number of chunks passed to the broker, repeated and corrupted ones included."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                device, _ = self._listener.accept()
                broker = socket.create_connection(("127.0.0.1", self._broker_port))
            except OSError:
                return
            self._sockets += [device, broker]
            threading.Thread(target=self._carry_down, args=(broker, device), daemon=True).start()
            threading.Thread(target=self._carry_up, args=(device, broker), daemon=True).start()

    def _carry_down(self, broker: socket.socket, device: socket.socket) -> None:
        stream = broker.makefile("rb")
        try:
            while packet := _read_packet(stream):
                if packet[0] == _SUBACK and self._refuses > 0:
                    self._refuses -= 1
                    packet = packet[:-1] + _REFUSED
                device.sendall(packet)
        except OSError:
            pass
        finally:
            device.close()

    def _carry_up(self, device: socket.socket, broker: socket.socket) -> None:
        stream = device.makefile("rb")
        try:
            while packet := _read_packet(stream):
                self._forward(packet, device, broker)
        except (OSError, ValueError):
            pass
        finally:
            broker.close()

    def _forward(self, packet: bytes, device: socket.socket, broker: socket.socket) -> None:
        head, body = _split(packet)
        length = struct.unpack_from(">H", body)[0] if packet[0] >> 4 == _PUBLISH else 0
        if not body[2 : 2 + length].endswith(b"/up/pcm"):
            broker.sendall(packet)
            return
        envelope, payload = body[: 4 + length], body[4 + length :]
        self.chunks += 1
        with self._lock:
            leaving = self._fault.send(payload)
        # The broker acknowledges what it gets; one PUBACK more than there are chunks is harmless.
        device.sendall(bytes((_PUBACK, 2)) + envelope[-2:])
        for each in leaving:
            self.forwarded += 1
            broker.sendall(bytes((head,)) + _length(len(envelope) + len(each)) + envelope + each)


def _read_packet(stream: BinaryIO) -> bytes:
    """Return one MQTT control packet, b"" at the end of the connection."""
    packet = stream.read(1)
    length = shift = 0
    while packet:
        byte = stream.read(1)
        if not byte:
            return b""
        packet += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < _MORE:
            body = stream.read(length)
            return packet + body if len(body) == length else b""
    return b""


def _split(packet: bytes) -> tuple[int, bytes]:
    """Return the first byte of a packet and the bytes after its length."""
    start = 1
    while packet[start] >= _MORE:
        start += 1
    return packet[0], packet[start + 1 :]


def _length(length: int) -> bytes:
    """Return `length` as MQTT's variable byte integer."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (_MORE if length else 0))
        if not length:
            return bytes(encoded)
