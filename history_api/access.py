"""What goes with every answer: a request id, headers that keep browsers strict, one line in the log."""

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

_LOG: Final = logging.getLogger(__name__)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = {
    # Results are about a person's heart: no cache keeps them, unless an endpoint says otherwise.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """Give every answer of `app` its id, headers and log line."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    asked = request.headers.get("X-Request-ID", "")
    g.request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
    g.began = time.perf_counter()


def _finish(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.request_id
    _LOG.info(
        "event=request id=%s method=%s path=%r status=%d ms=%.1f",
        g.request_id,
        request.method,
        request.path,
        response.status_code,
        (time.perf_counter() - g.began) * 1000,
    )
    return response
