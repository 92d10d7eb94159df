"""Bridge from the event loop, which waits for clients, to the threads of the application, which never do.

The loop takes a small body in before a thread takes the request, and sends an answer as its client reads it.
Only a large body is read by a thread: the application has let it in by then (`access.long_requests`).
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, Protocol
from wsgiref.types import WSGIApplication

from history_api.access.client_presence import IS_GONE
from history_api.serving.limits import Limits
from history_api.serving.pace import ClientTooSlowError, Pace
from history_api.serving.refusal import refusal
from history_api.serving.request_body import Arrival, BodyFile, ClientGoneError, Receive
from history_api.serving.threads import Threads
from history_api.serving.wsgi_answer import WsgiAnswer
from history_api.serving.wsgi_environ import environ_of

Scope = MutableMapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_PIECE_BYTES: Final = 1 << 16
_READ_OFF_S: Final = 5.0
_PAUSE_S: Final = 1.0


class Line(Protocol):
    """The connection of a request."""

    unsent_bytes: int

    @property
    def is_gone(self) -> bool:
        """Whether the client has closed it."""

    def give_up(self, reason: str) -> None:
        """End it: its client is at fault."""


class WsgiBridge:
    """Runs a WSGI application for the connections of a server."""

    def __init__(self, application: WSGIApplication, limits: Limits) -> None:
        self._application = application
        self._limits = limits
        self._threads = Threads(limits.threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        connection: Line = scope["state"]["connection"]
        arrival = Arrival(receive, Pace(self._limits))
        try:
            begin = await self._small_body(scope, arrival)
        except ClientGoneError:
            return
        except ClientTooSlowError:
            await _refuse(send, 408, "body_slow")
            return
        body = BodyFile(begin, arrival, self._limits.body_bytes, asyncio.get_running_loop())
        environ = environ_of(scope, io.BufferedReader(body, _PIECE_BYTES))
        if arrival.is_complete:
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            environ["CONTENT_LENGTH"] = str(len(begin))
        environ[IS_GONE] = lambda: connection.is_gone
        answer = WsgiAnswer(self._application, environ)
        try:
            await self._answer(connection, answer, arrival, send)
        except ClientTooSlowError:
            connection.give_up("unread")
        finally:
            connection.unsent_bytes = 0
            if not answer.is_over:
                self._threads.submit(answer.close)

    async def _small_body(self, scope: Scope, arrival: Arrival) -> bytes:
        """Return the body where it is small, else what came of it so far."""
        most, begin = self._limits.small_body_bytes, bytearray()
        if _length(scope) <= most:
            while len(begin) <= most and not arrival.is_complete:
                begin += await arrival.next()
        return bytes(begin)

    async def _answer(self, connection: Line, answer: WsgiAnswer, arrival: Arrival, send: Send) -> None:
        piece = await self._threads.run(answer.begin)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
        ]
        is_refused = not arrival.is_complete
        if is_refused:  # where the next request begins is unknown
            headers.append((b"connection", b"close"))
        pace = Pace(self._limits)
        await pace.wait(send({"type": "http.response.start", "status": answer.status, "headers": headers}))
        while not connection.is_gone:
            connection.unsent_bytes = len(piece)
            await _send_piece(pace, send, piece)
            if answer.is_over:
                break
            piece = b""
            piece = await self._threads.run(answer.pull)
        if is_refused:
            await _read_off(arrival)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_piece(pace: Pace, send: Send, piece: bytes) -> None:
    """Send a piece of an answer as fast as its client reads."""
    view = memoryview(piece)
    while view:
        part, view = view[:_PIECE_BYTES], view[_PIECE_BYTES:]
        await pace.wait(send({"type": "http.response.body", "body": part, "more_body": True}))
        pace.moved(len(part))


async def _read_off(arrival: Arrival) -> None:
    """Take what a client still sends after its answer, for a moment: it would get a reset, and no answer."""
    with suppress(TimeoutError, ClientTooSlowError, ClientGoneError):
        async with asyncio.timeout(_READ_OFF_S):
            while not arrival.is_complete:
                async with asyncio.timeout(_PAUSE_S):
                    await arrival.next()


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers, body = refusal(status, reason)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _length(scope: Scope) -> int:
    """Return the length of the body that the headers state; 0 where they do not."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths else 0
