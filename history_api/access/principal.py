"""Who asks: the holder of a key, sent along or opened as a session; everybody where no keys are used."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from flask import current_app, request
from werkzeug import Request

from edge_worker.database.api_keys import ROLES, ApiKey, ApiKeys, Role, digest
from history_api.access.rate_limit import RateLimiter
from history_api.access.session import COOKIE, Sessions
from history_api.openapi.problem import ProblemError
from history_api.settings import ApiSettings

_FAILURES: Final = 10
"""Wrong keys that an address may try a minute."""
_IPV6_PREFIX: Final = 64
"""Whoever has one address of IPv6 has all of its /64."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who may use the API."""

    name: str
    role: Role
    device_id: str | None = None
    """An owner's device, the only one whose recordings they see."""

    def may_act_as(self, role: Role) -> bool:
        """Return whether they may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANONYMOUS: Final = Principal("anonymous", "admin")
"""Everybody on this machine, with STETHO_API_AUTH=none."""


class Authenticator:
    """Knows keys and sessions, and how often was asked."""

    def __init__(self, settings: ApiSettings) -> None:
        self.is_open = settings.api_auth == "none"
        self.sessions = Sessions(settings.data_dir)
        self._keyring = ApiKeys(settings.database)
        self._requests = RateLimiter(settings.api_rate)
        self._failures = RateLimiter(_FAILURES)

    def principal(self) -> Principal | None:
        """Return who sends this request; None: somebody without key and session.

        Raises:
            ProblemError: the key is wrong (401), once too often (429).
            StoreError: the keys cannot be read.
        """
        if self.is_open:
            return ANONYMOUS
        key = self.holder(request)
        if key is None and request_token(request) is not None:
            self.count_failure()
            raise unauthorised("this key is not known here, or was removed")
        return None if key is None else Principal(key.name, key.role, key.device_id)

    def holder(self, asking: Request) -> ApiKey | None:
        """Return the key that a request carries, in a header or as a session; raises StoreError."""
        token = request_token(asking)
        known = self.sessions.digest(asking.cookies.get(COOKIE, "")) if token is None else digest(token)
        return None if known is None else self._keyring.find(known)

    def key(self, token: str) -> ApiKey | None:
        """Return the key that `token` is; None: it is wrong. Raises ProblemError (429) once too often."""
        key = self._keyring.find(digest(token))
        if key is None:
            self.count_failure()
        return key

    def count_failure(self) -> None:
        """Count a wrong key; raises ProblemError (429) when there were too many.

        A right key is taken whatever came from its address before: nobody locks out a neighbour.
        """
        _require(self._failures.take(_address()), "wrong keys")

    def count(self, principal: Principal | None) -> None:
        """Count a request; raises ProblemError (429) when there were too many."""
        if not self.is_open:
            who = ("address", _address()) if principal is None else ("name", principal.name)
            _require(self._requests.take(who), "requests")


def authenticator() -> Authenticator:
    """Return the authenticator of the application that answers this request."""
    found: Authenticator = current_app.extensions["stetho_authenticator"]
    return found


def request_token(asking: Request) -> str | None:
    """Return the key in the headers of a request."""
    authorization = asking.authorization
    if authorization is not None and authorization.type == "bearer" and authorization.token:
        return authorization.token
    return asking.headers.get("X-API-Key") or None


def unauthorised(what: str) -> ProblemError:
    """Return the answer to somebody whom we do not know."""
    return ProblemError(
        401,
        f"{what}; send `Authorization: Bearer KEY`, or sign in at /login. "
        "`python -m history_api key add NAME --role operator`, on the server, makes a key",
        {"WWW-Authenticate": "Bearer"},
    )


def _address() -> str:
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
            429, f"too many {what}; ask again in {seconds} s, and more slowly", {"Retry-After": str(seconds)}
        )
