"""Authentication of requests by API key or session, and the rate limits of each client."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from flask import current_app, request
from werkzeug import Request

from edge_worker.database.access.api_key import ROLES, ApiKey, ApiKeys, Role, digest
from edge_worker.database.access.browser_session import BrowserSessions
from edge_worker.own_command import stetho
from history_api.access.client_address import network_of
from history_api.access.rate_limit import RateLimiter
from history_api.access.session import COOKIE
from history_api.openapi.problem import ProblemError
from history_api.settings import ApiSettings

_WRONG_KEYS: Final = 10
"""Wrong keys that an address may send a minute."""


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


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a request: a key in a header, or a session, whose cookie a browser sends for any page."""

    principal: Principal
    is_session: bool


ANONYMOUS: Final = Principal("anonymous", "admin")
"""Every client on this machine, with STETHO_API_AUTH=none."""


class Authenticator:
    """Checks keys and sessions, and limits how often a client may send requests and wrong keys."""

    def __init__(self, settings: ApiSettings) -> None:
        self.is_open = settings.api_auth == "none"
        """Whether no keys are required."""
        self.sessions = BrowserSessions(settings.database)
        self._keys = ApiKeys(settings.database)
        self._requests = RateLimiter(settings.api_rate)
        self._wrong_keys = RateLimiter(_WRONG_KEYS)

    def find(self, request: Request) -> Credentials | None:
        """Return with what a request opens its address; None where it has nothing valid. Raises StoreError.

        A header may be that of a proxy in front of us, which is no reason to refuse a valid session.
        """
        if self.is_open:
            return Credentials(ANONYMOUS, is_session=False)
        for token in request_tokens(request):
            key = self._keys.find(digest(token))
            if key is not None:
                return Credentials(Principal(key.name, key.role, key.device_id), is_session=False)
        cookie = request.cookies.get(COOKIE)
        key = None if cookie is None else self.sessions.find(cookie)
        return (
            None
            if key is None
            else Credentials(Principal(key.name, key.role, key.device_id), is_session=True)
        )

    def count_wrong_keys(self) -> None:
        """Count a request without a valid key; raise ProblemError (429) after too many of its address."""
        if request_tokens(request):
            self._limit_wrong_keys()

    def check_token(self, token: str) -> ApiKey | None:
        """Return the key of `token`, None where it is wrong; raises ProblemError (429) after too many."""
        key = self._keys.find(digest(token))
        if key is None:
            self._limit_wrong_keys()
        return key

    def limit(self, principal: Principal | None) -> None:
        """Count the current request; raise ProblemError (429) when its sender has sent too many."""
        if not self.is_open:
            client = (
                ("address", network_of(request.remote_addr or ""))
                if principal is None
                else ("name", principal.name)
            )
            _require(self._requests.take(client), "requests")

    def _limit_wrong_keys(self) -> None:
        """Count a wrong key; raise ProblemError (429) when its address has sent too many.

        A right key is accepted after any number of wrong ones: no client locks out a neighbour.
        """
        _require(self._wrong_keys.take(network_of(request.remote_addr or "")), "wrong keys")


def authenticator() -> Authenticator:
    """Return the authenticator of the application that answers this request."""
    registered: Authenticator = current_app.extensions["stetho_authenticator"]
    return registered


def request_tokens(request: Request) -> list[str]:
    """Return what the headers of a request have as keys; the bearer may be that of a proxy.

    The password of HTTP Basic is a key, too: a client needs no change but its address, `http://key:KEY@host`.
    """
    return [token for token in (*_header_tokens(request), _password(request)) if token]


def is_sent_by_program(request: Request) -> bool:
    """Return whether a header has a key that no browser sends by itself, as it does a Basic password."""
    return any(_header_tokens(request))


def _header_tokens(request: Request) -> tuple[str | None, str | None]:
    authorization = request.authorization
    is_bearer = authorization is not None and authorization.type == "bearer"
    bearer = authorization.token if authorization is not None and is_bearer else None
    return request.headers.get("X-API-Key"), bearer


def _password(request: Request) -> str | None:
    authorization = request.authorization
    is_basic = authorization is not None and authorization.type == "basic"
    return authorization.password if authorization is not None and is_basic else None


def unauthorised(reason: str) -> ProblemError:
    """Return the answer 401, which says how to authenticate."""
    return ProblemError(
        401,
        f"{reason}; send `Authorization: Bearer KEY`, or the key as password (http://key:KEY@…), or sign in "
        f"at /login. `{stetho('key add NAME --role operator')}`, on the server, makes a key",
        {"WWW-Authenticate": "Bearer"},
    )


def _require(wait_s: float, what: str) -> None:
    if wait_s:
        seconds = ceil(wait_s)
        raise ProblemError(
            429, f"too many {what}; try again in {seconds} s, and more slowly", {"Retry-After": str(seconds)}
        )
