"""Body of a request as it arrives, and as the file that a thread of the application reads."""

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from history_api.openapi.problem import DETAILS, ProblemError
from history_api.serving.pace import ClientTooSlowError, Pace

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""Of ASGI."""


class ClientGoneError(Exception):
    """The client has closed its connection."""


class Arrival:
    """Body of one request as it arrives: used on the event loop."""

    def __init__(self, receive: Receive, pace: Pace) -> None:
        self.is_complete = False
        self._receive = receive
        self._pace = pace

    async def next(self) -> bytes:
        """Return what came next, nothing at the end.

        Raises:
            ClientTooSlowError: it comes too slowly.
            ClientGoneError: it will not come.
        """
        while not self.is_complete:
            message = await self._pace.wait(self._receive())
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self.is_complete = not message.get("more_body", False)
            data: bytes = message.get("body", b"")
            self._pace.moved(len(data))
            if data:
                return data
        return b""


class BodyFile(io.RawIOBase):
    """Body of one request as a file: what came already, then what a thread waits for."""

    def __init__(
        self, begin: bytes, arrival: Arrival, most_bytes: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._ready = memoryview(begin)
        self._left_bytes = most_bytes - len(begin)
        self._arrival = arrival
        self._loop = loop

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - Buffer has a name from Python 3.12 on
        """Fill `buffer` with what comes next; return its size, 0 at the end.

        Raises:
            ProblemError: it comes too slowly (408), or is too large (413).
            ClientDisconnected: it will not come.
        """
        if not self._ready:
            self._ready = memoryview(self._wait())
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _wait(self) -> bytes:
        try:
            data = asyncio.run_coroutine_threadsafe(self._arrival.next(), self._loop).result()
        except ClientTooSlowError:
            raise ProblemError(408, DETAILS[408]) from None
        except ClientGoneError:
            raise ClientDisconnected from None
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise ProblemError(413, DETAILS[413])
        return data
