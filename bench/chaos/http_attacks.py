"""Attacks on the history API: clients that hold what others need. Each goes on until it is over."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from bench.chaos.hostile_device import HostileDevice

HttpAttack = Callable[[str, HostileDevice], None]

_CLIENTS: Final = 150
_DRIP_S: Final = 0.5
_PATIENCE_S: Final = 10.0


def silent_connections(url: str, device: HostileDevice) -> None:
    """Connections without a request."""
    _hold(url, device, b"", b"")


def endless_headers(url: str, device: HostileDevice) -> None:
    """Requests whose headers never end."""
    _hold(url, device, b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ", b"b")


def dripping_uploads(url: str, device: HostileDevice) -> None:
    """Uploads that come byte by byte."""
    head = b"POST /api/v1/recordings HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
    _hold(url, device, head + b"Content-Length: 9000000\r\n\r\nRIFF", b"\0")


def unread_exports(url: str, device: HostileDevice) -> None:
    """Exports that are asked for and never read."""
    _hold(url, device, b"GET /api/v1/results.ndjson HTTP/1.1\r\nHost: x\r\n\r\n", b"", receive_bytes=4096)


def event_streams(url: str, device: HostileDevice) -> None:
    """Event streams by the dozen."""
    _hold(url, device, b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n", b"", clients=60)


HTTP_ATTACKS: Final[tuple[HttpAttack, ...]] = (
    *(silent_connections, endless_headers, dripping_uploads, unread_exports, event_streams),
)


class Livez:
    """Asks `/livez` again and again, on a thread of its own, and keeps how long each answer took."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._over = threading.Event()
        self._taken: list[tuple[float, float]] = []
        """When each request began, and its milliseconds."""
        self._thread = threading.Thread(target=self._run, name="livez")
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self._thread.join()

    def slowest_ms(self, since: float, until: float) -> float | None:
        """Return the longest answer to what was asked in a time, milliseconds; None without any."""
        taken = [taken for at, taken in self._taken if since <= at < until]
        return max(taken) if taken else None

    def _run(self) -> None:
        while not self._over.wait(0.2):
            began = time.monotonic()
            with (
                contextlib.suppress(OSError, HTTPException),
                closing(HTTPConnection(self._host, timeout=_PATIENCE_S)) as client,
            ):
                client.request("GET", "/livez")
                client.getresponse().read()
            self._taken.append((began, 1000 * (time.monotonic() - began)))


def _hold(
    url: str,
    device: HostileDevice,
    first: bytes,
    drip: bytes,
    *,
    clients: int = _CLIENTS,
    receive_bytes: int | None = None,
) -> None:
    """Hold connections: send `first`, then `drip` again and again; open those anew that were closed."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 0)
    held: list[socket.socket] = []
    while not device.is_over:
        while len(held) < clients and not device.is_over:
            client = _open(address, first, receive_bytes)
            if client is None:
                break
            held.append(client)
        device.pause(_DRIP_S)
        held = [client for client in held if _is_open(client, drip)]
    for client in held:
        client.close()


def _open(address: tuple[str, int], first: bytes, receive_bytes: int | None) -> socket.socket | None:
    try:
        client = socket.create_connection(address, 1.0)
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.sendall(first)
    except OSError:
        return None
    client.setblocking(False)
    return client


def _is_open(client: socket.socket, drip: bytes) -> bool:
    """Send one more byte; return whether the server still holds the connection."""
    try:
        client.send(drip)
    except BlockingIOError:
        return True
    except OSError:
        client.close()
        return False
    return True
