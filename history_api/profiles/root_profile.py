"""An older system at the root, too: for clients of which host and port can be changed, and no path."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from edge_worker.errors import SettingsError
from history_api.profiles.profile import PROFILES
from history_api.settings import ApiSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_OURS: Final = ("text/html", "text/plain", "application/openmetrics-text")
"""What browsers and Prometheus name in `Accept`, and clients of the older systems do not."""


def register(app: Flask, settings: ApiSettings) -> None:
    """Answer the profile of the settings at the root of `app`, too.

    Raises:
        SettingsError: there is no profile of this name.
    """
    name = settings.root_profile
    if not name:
        return
    names = [each.name for each in PROFILES]
    if name not in names:
        raise SettingsError(f"STETHO_ROOT_PROFILE is {name!r}; use one of {', '.join(names)}, or nothing")
    app.wsgi_app = _RootProfile(app, f"/{name}")  # type: ignore[method-assign]


class _RootProfile:
    """WSGI application that takes requests to the root for ones to a profile, where that has the address."""

    def __init__(self, app: Flask, base: str) -> None:
        self._next = app.wsgi_app
        self._urls = app.url_map
        self._base = base

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        address = self._base + environ.get("PATH_INFO", "")
        if not _is_ours(environ) and self._has(address, environ["REQUEST_METHOD"]):
            environ["PATH_INFO"] = address
        return self._next(environ, start_response)

    def _has(self, address: str, method: str) -> bool:
        try:
            self._urls.bind("").match(address, method)
        except HTTPException:
            return False
        return True


def _is_ours(environ: "WSGIEnvironment") -> bool:
    accept = parse_accept_header(environ.get("HTTP_ACCEPT", ""), MIMEAccept)
    return any(media_type.partition(";")[0] in _OURS for media_type in accept.values())
