"""Authentication of requests by API key or session, and the rate limits of each client."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from flask import current_app, request
from werkzeug import Request

from edge_worker.database.api_key import ROLES, ApiKey, ApiKeys, Role, digest
from history_api.access.rate_limit import RateLimiter
from history_api.access.session import COOKIE, Sessions
from history_api.openapi.problem import ProblemError
from history_api.settings import ApiSettings

_WRONG_KEYS: Final = 10
"""Wrong keys that an address may send a minute."""
_IPV6_PREFIX: Final = 64
"""A client with one IPv6 address has all addresses of its /64."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Identity and role of the client that sends a request."""

    name: str
    role: Role
    device_id: str | None = None
    """The device of an owner, the only one that they may access."""

    def may_act_as(self, role: Role) -> bool:
        """Return whether the principal may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANONYMOUS: Final = Principal("anonymous", "admin")
"""Every client on this machine, with STETHO_API_AUTH=none."""


class Authenticator:
    """Checks keys and sessions, and limits how often a client may send requests and wrong keys."""

    def __init__(self, settings: ApiSettings) -> None:
        self.is_open = settings.api_auth == "none"
        """Whether no keys are required."""
        self.sessions = Sessions(settings.data_dir)
        self._keys = ApiKeys(settings.database)
        self._requests = RateLimiter(settings.api_rate)
        self._wrong_keys = RateLimiter(_WRONG_KEYS)

    def principal(self) -> Principal | None:
        """Return the sender of the current request; None where it has neither key nor session.

        Raises:
            ProblemError: the key is wrong (401), or one of too many wrong ones (429).
            StoreError: the keys cannot be read.
        """
        if self.is_open:
            return ANONYMOUS
        key = self.find_key(request)
        if key is None and request_token(request) is not None:
            self._limit_wrong_keys()
            raise unauthorised("this key is unknown or was removed")
        return None if key is None else Principal(key.name, key.role, key.device_id)

    def find_key(self, request: Request) -> ApiKey | None:
        """Return the key of a request, in a header or as a session; raises StoreError."""
        token = request_token(request)
        if token is not None:
            return self._keys.find(digest(token))
        key_digest = self.sessions.digest(request.cookies.get(COOKIE, ""))
        return None if key_digest is None else self._keys.find(key_digest)

    def check_token(self, token: str) -> ApiKey | None:
        """Return the key of `token`, None where it is wrong; raises ProblemError (429) after too many."""
        key = self._keys.find(digest(token))
        if key is None:
            self._limit_wrong_keys()
        return key

    def limit(self, principal: Principal | None) -> None:
        """Count the current request; raise ProblemError (429) when its sender has sent too many."""
        if not self.is_open:
            client = ("address", _client_address()) if principal is None else ("name", principal.name)
            _require(self._requests.take(client), "requests")

    def _limit_wrong_keys(self) -> None:
        """Count a wrong key; raise ProblemError (429) when its address has sent too many.

        A right key is accepted after any number of wrong ones: no client locks out a neighbour.
        """
        _require(self._wrong_keys.take(_client_address()), "wrong keys")


def authenticator() -> Authenticator:
    """Return the authenticator of the application that answers this request."""
    registered: Authenticator = current_app.extensions["stetho_authenticator"]
    return registered


def request_token(request: Request) -> str | None:
    """Return the key in the headers of a request."""
    authorization = request.authorization
    if authorization is not None and authorization.type == "bearer" and authorization.token:
        return authorization.token
    return request.headers.get("X-API-Key") or None


def unauthorised(reason: str) -> ProblemError:
    """Return the answer 401, which says how to authenticate."""
    return ProblemError(
        401,
        f"{reason}; send `Authorization: Bearer KEY`, or sign in at /login. "
        "`stetho key add NAME --role operator`, on the server, makes a key",
        {"WWW-Authenticate": "Bearer"},
    )


def _client_address() -> str:
    text = request.remote_addr or ""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    is_v6 = isinstance(address, IPv6Address)
    return str(ip_network((address, _IPV6_PREFIX), strict=False)) if is_v6 else text


def _require(wait_s: float, what: str) -> None:
    if wait_s:
        seconds = ceil(wait_s)
        raise ProblemError(
            429, f"too many {what}; try again in {seconds} s, and more slowly", {"Retry-After": str(seconds)}
        )
