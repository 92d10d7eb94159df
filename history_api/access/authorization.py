"""Whether they may: roles as the OpenAPI document has them, owners only their device, no foreign pages."""

from functools import partial
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from edge_worker.errors import SettingsError
from history_api.access.principal import Authenticator, Principal, authenticator, request_token, unauthorised
from history_api.access.role import RequiredRole
from history_api.access.session import COOKIE
from history_api.openapi.operation import Method
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.problem import ProblemError
from history_api.settings import ApiSettings

_READING: Final = ("GET", "HEAD")
_NEVER_COUNTED: Final = ("/livez", "/readyz")
"""Whoever restarts what does not answer must always get an answer."""


def register(app: Flask, settings: ApiSettings, operations: OperationLookup) -> None:
    """Let nobody in who may not, and leave who asks in `g.principal`; None where everybody may ask.

    Raises:
        SettingsError: no keys are asked for, and others than this machine could come.
    """
    if settings.api_auth == "none" and not _is_loopback(settings.api_host):
        raise SettingsError(
            f"STETHO_API_AUTH is none and STETHO_API_HOST is {settings.api_host!r}: everybody who reaches it "
            "could do everything; use keys, or listen on 127.0.0.1"
        )
    app.extensions["stetho_authenticator"] = Authenticator(settings)
    if settings.api_proxy:
        trusted = settings.api_proxy
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted)  # type: ignore[method-assign]
    app.before_request(partial(_admit, operations))


def restrict_owners(app: Flask) -> None:
    """Keep owners to their device, once the parameters of a request are read."""
    app.before_request(_restrict_owner)


def _admit(operations: OperationLookup) -> Response | None:
    _require_own_name()
    _require_own_page()
    operation = operations.of_request()
    needed = _needed(operation)
    g.principal = None if needed == "public" else authenticator().principal()
    if request.path not in _NEVER_COUNTED:
        authenticator().count(g.principal)
    if needed == "public":
        return None
    if g.principal is None and _asks_for_page(operation):
        return Response(status=303, headers={"Location": "/login"})
    _require_role(g.principal, needed)
    return None


def _restrict_owner() -> None:
    principal: Principal | None = g.principal
    if principal is None or principal.device_id is None:
        return
    asked = {(request.view_args or {}).get("device_id"), g.get("query", {}).get("device")}
    if asked - {None, principal.device_id}:
        raise ProblemError(403, f"{principal.name} has the device {principal.device_id} and sees no other")
    if "device" in g.get("query", {}):
        g.query["device"] = principal.device_id


def _needed(operation: Method | None) -> RequiredRole:
    if operation is not None:
        needed: RequiredRole = operation["x-role"]
        return needed
    # What is not there is not there for anybody; what nobody described is for nobody.
    is_public = request.endpoint is None or request.endpoint.rsplit(".", 1)[-1] == "static"
    return "public" if is_public else "admin"


def _asks_for_page(operation: Method | None) -> bool:
    has_page = "303" in (operation or {}).get("responses", {})
    return has_page and request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _require_role(principal: Principal | None, needed: RequiredRole) -> None:
    if needed == "public":
        return
    if principal is None:
        raise unauthorised("this address needs a key")
    if not principal.may_act_as(needed):
        raise ProblemError(403, f"{principal.name} is {principal.role}; this needs a key of role {needed}")


def _require_own_name() -> None:
    """Refuse a page of another name that made its name point here (DNS rebinding), where keys do not."""
    if authenticator().is_open and not _is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise ProblemError(
            403, "without keys this server answers to localhost and 127.0.0.1 only; ask it by that name"
        )


def _require_own_page() -> None:
    """Refuse changes that a page of another site lets a browser ask for (CSRF)."""
    if request.method in _READING or request_token(request) is not None:
        return
    is_own = _is_own_page()
    # A browser brings the cookie along whoever asks, so with it silence is not enough.
    if is_own is False or (is_own is None and COOKIE in request.cookies):
        raise ProblemError(
            403,
            "this was not asked for by a page of this server; programs send a key instead of a cookie, and "
            "behind a proxy STETHO_API_PROXY must be set",
        )


def _is_own_page() -> bool | None:
    """Return whether a page of ours asks, None when the client does not say."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return None if origin is None else origin == request.host_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
