"""Authorization of requests: required roles, the device of an owner, no requests forged by other sites."""

from functools import partial
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from edge_worker.database.access.api_key import Role
from edge_worker.errors import SettingsError
from history_api.access.authentication import (
    Authenticator,
    Credentials,
    Principal,
    authenticator,
    is_sent_by_program,
    request_tokens,
    unauthorised,
)
from history_api.access.public_address import public_origin
from history_api.access.role import RequiredRole
from history_api.access.session import COOKIE
from history_api.openapi.operation import Method
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.problem import ProblemError
from history_api.settings import ApiSettings

_SAFE_METHODS: Final = ("GET", "HEAD")
_UNLIMITED: Final = ("/livez", "/readyz")
"""Without rate limit: a supervisor that restarts what does not answer must always get an answer."""


def register(app: Flask, settings: ApiSettings, operations: OperationLookup) -> None:
    """Refuse requests that their sender may not make; leave the sender in `g.principal`.

    It is None where the operation is public. `operations` states the role that each operation requires.

    Raises:
        SettingsError: no keys are required, though other machines could connect.
    """
    if settings.api_auth == "none" and not _is_loopback(settings.api_host):
        raise SettingsError(
            f"STETHO_API_AUTH is none and STETHO_API_HOST is {settings.api_host!r}: everybody who reaches it "
            "could do everything; use keys, or listen on 127.0.0.1"
        )
    app.extensions["stetho_authenticator"] = Authenticator(settings)
    app.before_request(partial(_authorize, operations))


def restrict_owners(app: Flask) -> None:
    """Restrict owners to their device; register it after the query validation, whose values it reads."""
    app.before_request(_restrict_owner)


def _authorize(operations: OperationLookup) -> Response | None:
    _require_loopback_host()
    operation = operations.of_request()
    role = _required_role(operation)
    is_changing = request.method not in _SAFE_METHODS
    credentials = authenticator().find(request) if is_changing or role != "public" else None
    if is_changing and not _has_key(credentials):
        _require_same_origin()
    g.principal = None if role == "public" or credentials is None else credentials.principal
    if role != "public" and credentials is None:
        authenticator().count_wrong_keys()
    if request.path not in _UNLIMITED:
        authenticator().limit(g.principal)
    if role == "public":
        return None
    if g.principal is None and _wants_page(operation):
        return Response(status=303, headers={"Location": "/login"})
    _require_role(g.principal, role)
    return None


def _restrict_owner() -> None:
    principal: Principal | None = g.principal
    if principal is None or principal.device_id is None:
        return
    devices = {(request.view_args or {}).get("device_id"), g.get("query", {}).get("device")}
    if devices - {None, principal.device_id}:
        raise ProblemError(403, f"{principal.name} may access the device {principal.device_id} only")
    if "device" in g.get("query", {}):
        g.query["device"] = principal.device_id


def _required_role(operation: Method | None) -> RequiredRole:
    if operation is not None:
        role: RequiredRole = operation["x-role"]
        return role
    # An address that does not exist is a 404 for everybody; an undocumented route is for admins only.
    is_public = request.endpoint is None or request.endpoint.rsplit(".", 1)[-1] == "static"
    return "public" if is_public else "admin"


def _wants_page(operation: Method | None) -> bool:
    has_page = "303" in (operation or {}).get("responses", {})
    return has_page and request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _require_role(principal: Principal | None, role: Role) -> None:
    if principal is None and request_tokens(request):
        raise unauthorised("this key is unknown or was removed")
    if principal is None:
        raise unauthorised("this address needs a key")
    if not principal.may_act_as(role):
        raise ProblemError(403, f"{principal.name} is {principal.role}; this needs a key of role {role}")


def _require_loopback_host() -> None:
    """Refuse other host names where no key does: a site could make its name point here (DNS rebinding)."""
    if authenticator().is_open and not _is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise ProblemError(
            403, "without keys this server answers requests to localhost and 127.0.0.1 only; use one of them"
        )


def _has_key(credentials: Credentials | None) -> bool:
    """Return whether the sender itself put a valid key into a header: no page of another site can."""
    return credentials is not None and not credentials.is_session and is_sent_by_program(request)


def _require_same_origin() -> None:
    """Refuse a change that a page of another site makes a browser request (CSRF)."""
    is_same_origin = _is_same_origin()
    # A browser sends the cookie along for any page, so with it the origin must be known.
    if is_same_origin is False or (is_same_origin is None and COOKIE in request.cookies):
        raise ProblemError(
            403,
            "this request does not come from a page of this server; programs send a key instead of a cookie, "
            "and behind a proxy STETHO_API_PROXY must be set",
        )


def _is_same_origin() -> bool | None:
    """Return whether a page of this server sends the request; None when its headers do not tell."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return None if origin is None else origin in (request.host_url.rstrip("/"), public_origin())


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
