"""Responder of multicast DNS in a test: says of brokers what the test wants, once for each question."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

PLAIN: Final = "_mqtt._tcp.local"
TLS: Final = "_secure-mqtt._tcp.local"
_A, _PTR, _SRV = 1, 12, 33
_ANSWER: Final = 0x8400

Answer = Callable[[bytes], list[bytes]]
"""What is sent for a question: messages, one after the other."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A broker, as it is announced."""

    port: int
    service: str = PLAIN
    instance: str = "Stetho"
    host: str = "stetho.local"
    address: str = "127.0.0.1"

    def __call__(self, question: bytes) -> list[bytes]:
        """Answer a question for one of its names with all records in one message, as Avahi does."""
        names = (self.service, self.host)
        return [reply(question, *self.records())] if any(encode(name) in question for name in names) else []

    def records(self) -> list[bytes]:
        """Return its records: pointer, service, address."""
        name = f"{self.instance}.{self.service}"
        return [
            record(self.service, _PTR, encode(name)),
            record(name, _SRV, struct.pack(">HHH", 0, 0, self.port) + encode(self.host)),
            record(self.host, _A, socket.inet_aton(self.address)),
        ]


class Responder:
    """Socket on loopback that answers questions; a context manager. `address` is for `--ask`."""

    def __init__(self, *answers: Answer, group: bool = False) -> None:
        self.questions: list[bytes] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if group:  # OSError: this machine has no multicast
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("224.0.0.251", 5353))
            member = socket.inet_aton("224.0.0.251") + bytes(4)  # on the interface of the default route
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def address(self) -> str:
        """Where it listens, as `address:port`."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                question, sender = self._socket.recvfrom(9_000)
                self.questions.append(question)
                for answer in self._answers:
                    for message in answer(question):
                        self._socket.sendto(message, sender)


def encode(name: str) -> bytes:
    """Return a name as labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name: str, kind: int, data: bytes) -> bytes:
    """Return a record of the Internet class, kept for ten seconds."""
    return encode(name) + struct.pack(">HHIH", kind, 1, 10, len(data)) + data


def reply(question: bytes, *records: bytes) -> bytes:
    """Return the answer to a question, with its id and a copy of it."""
    header = struct.pack(">HHHHHH", int.from_bytes(question[:2]), _ANSWER, 1, len(records), 0, 0)
    return header + question[12:] + b"".join(records)
