"""Proxies in front of the API: the address of the client, and the prefix below which the API is seen.

Only as many as STETHO_API_PROXY says are believed. A prefix comes from `X-Forwarded-Prefix`, or from
`X-Ingress-Path` of Home Assistant, which shows the dashboard in a frame of its own page.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from history_api.settings import ApiSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
"""Never `//host`: links of ours would lead to another server."""
_MAX_PREFIX: Final = 256
_FRAMED: Final = "stetho.framed"


def register(app: Flask, settings: ApiSettings) -> None:
    """Believe the proxies in front of `app`, and write addresses in its answers as a browser sees them."""
    app.add_template_global(root, "root")
    if not settings.api_proxy:
        return
    hosts = settings.api_proxy if settings.api_auth == "keys" else 0  # else the host name is what protects
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        _Prefix(app.wsgi_app), x_for=settings.api_proxy, x_proto=settings.api_proxy, x_host=hosts
    )
    app.after_request(_with_root)


def root() -> str:
    """Return the prefix of all addresses of the current request; empty where there is none."""
    return request.script_root


def is_framed() -> bool:
    """Return whether a page of the same origin, that of Home Assistant, shows the answer in a frame."""
    return bool(request.environ.get(_FRAMED))


class _Prefix:
    """WSGI application that tells another below which prefix it is seen; the proxy has stripped it."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        ingress = environ.get("HTTP_X_INGRESS_PATH", "")
        prefix = (environ.get("HTTP_X_FORWARDED_PREFIX") or ingress).rpartition(",")[2].strip().rstrip("/")
        if len(prefix) <= _MAX_PREFIX and PREFIX.fullmatch(prefix):
            environ["SCRIPT_NAME"] = prefix
            environ[_FRAMED] = bool(ingress)
        return self._app(environ, start_response)


def _with_root(response: Response) -> Response:
    """Put the prefix before the addresses in the headers of an answer."""
    location, link = response.headers.get("Location", ""), response.headers.get("Link", "")
    if root() and location.startswith("/"):
        response.headers["Location"] = root() + location
    if root() and link.startswith("</"):
        response.headers["Link"] = f"<{root()}{link[1:]}"
    return response
