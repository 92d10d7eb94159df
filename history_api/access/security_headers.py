"""Request id, security headers and log line of every answer."""

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

from edge_worker.telemetry.logfmt import line
from history_api.access.proxy import is_framed

_LOG: Final = logging.getLogger(__name__)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def permissions(microphone: str = "()") -> str:
    """Return a Permissions-Policy; only the page that records lets itself use the microphone."""
    return f"camera=(), geolocation=(), microphone={microphone}, payment=(), usb=()"


HEADERS: Final = {
    # Results are about a person's heart: no cache stores them, unless an endpoint states otherwise.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": permissions(),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_HEADERS: Final = {
    # Scripts and styles are files of ours: script in a label or a name never runs.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # With no-referrer browsers hide the origin of forms as well, by which authorization knows our pages.
    "Referrer-Policy": "same-origin",
}
_HTTPS_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",  # browsers warn of it over http
    "Strict-Transport-Security": "max-age=31536000",
}


def style_nonce() -> str:
    """Return a word that lets a script of this page add a style of its own: one for each answer."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    nonce: str = g.style_nonce
    return nonce


def register(app: Flask) -> None:
    """Give every answer of `app` its id, headers and log line."""
    app.add_template_global(style_nonce)
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    request_id = request.headers.get("X-Request-ID", "")
    g.request_id = request_id if _REQUEST_ID.fullmatch(request_id) else secrets.token_hex(8)
    g.began = time.perf_counter()


def _finish(response: Response) -> Response:
    headers = HEADERS | (_PAGE_HEADERS if response.mimetype == "text/html" else {})
    if "style_nonce" in g:
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace(
            "style-src 'self'", f"style-src 'self' 'nonce-{g.style_nonce}'"
        )
    if is_framed():
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace(
            "frame-ancestors 'none'", "frame-ancestors 'self'"
        )
    for name, value in (headers | (_HTTPS_HEADERS if request.is_secure else {})).items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.request_id
    facts = {"id": g.request_id, "method": request.method, "path": request.path}
    took_ms = (time.perf_counter() - g.began) * 1000
    _LOG.info(line("request", **facts, status=response.status_code, ms=f"{took_ms:.1f}"))
    return response
