"""HTTP of one connection: uvicorn's, with deadlines, and with problem documents for malformed requests."""

import asyncio
import sys
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from history_api.access.client_address import network_of
from history_api.serving.connections import Connections
from history_api.serving.limits import Limits
from history_api.serving.refusal import refusal

_READ_OFF_S: Final = 1.0
_READ_BYTES: Final = 1 << 16
_FIRST_READ_BYTES: Final = 1 << 11
"""Read at once where no headers are known: after them there may be chunks of a byte, slow to parse."""
_TINY_BYTES: Final = 32
"""Between two line ends, on average, in a body of tiny chunks."""
_FEW_BYTES: Final = 256


class HttpProtocol(H11Protocol):
    """One connection; `connections` bounds their number, and drops it when its client is overdue."""

    def __init__(
        self,
        connections: Connections,
        limits: Limits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state | {"connection": self}, _loop)
        self.address = ""
        self.unsent_bytes = 0
        self._connections = connections
        self._is_refused = False
        self._is_chunked = False
        self._limits = limits
        self._since = self.loop.time()
        """When it was opened, or when its last request began or was answered."""

    @property
    def waits_since(self) -> float | None:
        """When we began to wait for the client; None while the client waits for us."""
        waits_for_body = self._is_serving and self.cycle.more_body and not self.flow.read_paused
        is_waiting = not self._is_serving or waits_for_body or self.flow.write_paused
        return self._since if is_waiting else None

    @property
    def is_gone(self) -> bool:
        """Whether the connection has ended."""
        return self.transport.is_closing() or self.cycle.disconnected

    def overdue(self, now: float) -> str:
        """Return what the client should have done by now; empty where it is in time.

        While a request is served, `serving.pace` watches the client.
        """
        if self._is_serving:
            return ""
        if self.transport.get_write_buffer_size():
            return "unread" if now - self._since > self._limits.unread_s else ""
        return "idle" if now - self._since > self._limits.idle_s else ""

    def give_up(self, reason: str) -> None:
        """End the connection: its client is at fault."""
        self._connections.drop(self, reason)

    def drop(self) -> None:
        """End the connection at once, without waiting for what was not sent."""
        if self._is_serving:
            self.cycle.disconnected = True  # else uvicorn reports that our answer is incomplete
        self.transport.abort()

    # --- called by asyncio and uvicorn --------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, where there is room."""
        super().connection_made(transport)
        self._read_at_once(_FIRST_READ_BYTES)
        self.address = network_of(self.client[0] if self.client else "")
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; after a refusal drop it, for a moment: closed at once, the client gets a reset."""
        if self._is_refused:
            return
        if self._is_serving and self._is_chunked and _has_tiny_chunks(data):
            self._refuse(400, "tiny chunks")
            return
        super().data_received(data)

    def handle_events(self) -> None:
        """Take what came; a new request begins with it when its headers are complete."""
        last = self.cycle
        super().handle_events()
        if self.cycle is not last:
            self._since = self.loop.time()
            names = {name for name, _ in self.headers}
            self._is_chunked = b"transfer-encoding" in names
            self._read_at_once(_READ_BYTES)
            if self._is_chunked and b"content-length" in names:
                self._refuse(400, "a length and chunks")  # a proxy may have believed the length

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._since = self.loop.time()
        self._read_at_once(_FIRST_READ_BYTES)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request with what is wrong with it; uvicorn calls this with the error raised."""
        error = sys.exception()
        self._refuse(
            error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400, str(error)
        )

    def _refuse(self, status: int, reason: str) -> None:
        if self._is_serving:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # in the middle of an answer
            self.transport.abort()
            return
        headers, body = refusal(status, reason)
        for event in (
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self._is_refused = True
        self.transport.write_eof()
        self.loop.call_later(_READ_OFF_S, self.transport.close)

    def _read_at_once(self, size: int) -> None:
        self.transport.max_size = size  # type: ignore[attr-defined]  # of asyncio's transports of sockets

    def _should_upgrade(self) -> bool:
        return False

    @property
    def _is_serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


def _has_tiny_chunks(data: bytes) -> bool:
    """Return whether `data` of a chunked body takes much time for few bytes; no sound looks like that."""
    return len(data) >= _FEW_BYTES and data.count(b"\r\n") * _TINY_BYTES > len(data)
