"""Answer of the WSGI application to one request, taken from it piece by piece."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any, Final
from wsgiref.types import WSGIApplication

_PULL_BYTES: Final = 1 << 18
Headers = list[tuple[str, str]]


class WsgiAnswer:
    """Answer of `application`. Threads call `begin`, `pull` and `close`, one at a time."""

    def __init__(self, application: WSGIApplication, environ: dict[str, Any]) -> None:
        self.status = 0
        self.headers: Headers = []
        self.is_over = False
        """Whether there are no more pieces."""
        self._application = application
        self._environ = environ
        self._body: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())
        self._has_length = False
        self._lock = threading.Lock()
        self._context = copy_context()
        """Of the request, on whatever thread: an answer that is streamed knows its request to the end."""

    def begin(self) -> bytes:
        """Run the application; return the first piece of the answer."""
        with self._lock:
            self._body = self._context.run(self._application, self._environ, self._start)
            self._pieces = iter(self._body)
            self._has_length = any(name.lower() == "content-length" for name, _ in self.headers)
            return self._context.run(self._next)

    def pull(self) -> bytes:
        """Return the next piece; an empty one where there is none yet, or `is_over`."""
        with self._lock:
            return self._context.run(self._next)

    def close(self) -> None:
        """End the answer, even where it was not read to its end: the application frees what it holds."""
        with self._lock:
            self._context.run(self._close)

    def _close(self) -> None:
        close: Callable[[], None] | None = getattr(self._body, "close", None)
        self._body, self._pieces, self.is_over = (), iter(()), True
        if close is not None:
            close()

    def _next(self) -> bytes:
        pieces, size = [], 0
        for piece in self._pieces:
            pieces.append(piece)
            size += len(piece)
            # What has no length, as an event stream, may take its time for the next piece.
            if not self._has_length or size >= _PULL_BYTES:
                return b"".join(pieces)
        self._close()
        return b"".join(pieces)

    def _start(self, status: str, headers: Headers, _error: object = None) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = headers
        return _refuse_write


def _refuse_write(_data: bytes) -> object:
    raise NotImplementedError("Flask answers with an iterator, never through `write`")
