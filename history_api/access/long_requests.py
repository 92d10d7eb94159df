"""Requests that take long, and the share of them that one key and one address have at a time.

Long are event streams, exports, reports and pictures, whatever sends a sound, and commands, which wait for a
device. All others are short, and find a thread at once: long ones never take all of them.
"""

import threading
from collections import Counter
from functools import partial
from typing import Final

from flask import Flask, Response, g, request

from history_api.access.authentication import Principal, authenticator
from history_api.access.client_address import network_of
from history_api.openapi.operation import Method
from history_api.openapi.operation_lookup import OperationLookup
from history_api.openapi.problem import DETAILS, ProblemError
from history_api.settings import ApiSettings

_LONG_ANSWERS: Final = (
    *("text/event-stream", "text/csv", "application/x-ndjson", "application/fhir+", "application/zip"),
    *("application/pdf", "image/"),
)
_LONG_BODIES: Final = ("multipart/form-data", "audio/", "application/octet-stream", "text/plain")
_KEYS_OF_AN_ADDRESS: Final = 2
_ALL_KEYS: Final = 8
SMALL_BODY_BYTES: Final = 1 << 16
"""Of a request that sends no sound."""
_RETRY: Final = {"Retry-After": "5"}


def most_long_requests(settings: ApiSettings) -> int:
    """Return how many long requests are served at a time, of all clients."""
    return _ALL_KEYS * settings.api_long


def is_long(operation: Method) -> bool:
    """Return whether an operation of the OpenAPI document takes long."""
    is_waiting = any(parameter["name"] == "wait" for parameter in operation.get("parameters", ()))
    return takes_sound(operation) or is_waiting or _has(operation["responses"].get("200", {}), _LONG_ANSWERS)


def takes_sound(operation: Method) -> bool:
    """Return whether an operation of the OpenAPI document is an upload."""
    return _has(operation.get("requestBody", {}), _LONG_BODIES)


def register(app: Flask, settings: ApiSettings, operations: OperationLookup) -> None:
    """Bound long requests and bodies of `app`; register it after `authorization`, which leaves the sender."""
    shares = Shares(settings.api_long)
    app.extensions["stetho_long_requests"] = shares
    app.before_request(partial(_limit_body, operations, settings.upload_mb << 20))
    app.before_request(partial(_take_share, operations, shares))
    app.after_request(_release_with_answer)


class Share:
    """One long request that is under way."""

    def __init__(self, shares: "Shares", holders: tuple[str, ...]) -> None:
        self._shares = shares
        self._holders = holders

    def release(self) -> None:
        """Make room for another; releasing twice does no harm."""
        holders, self._holders = self._holders, ()
        self._shares.give_back(holders)


class Shares:
    """The long requests that are under way. Safe from any thread."""

    def __init__(self, per_key: int) -> None:
        """Allow `per_key` requests at a time to a key, twice as many to an address, eight times to all."""
        self._per_key = per_key
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of long requests under way."""
        return self._under_way["all"]

    def take(self, principal: Principal | None, address: str) -> Share:
        """Return a share for a request; raise ProblemError (429, 503) where its sender or all have enough."""
        bounds = {"all": _ALL_KEYS * self._per_key, f"address {address}": _KEYS_OF_AN_ADDRESS * self._per_key}
        if principal is not None and not authenticator().is_open:
            bounds[f"key {principal.name}"] = self._per_key
        with self._lock:
            for holder, bound in bounds.items():
                if self._under_way[holder] >= bound:
                    raise _too_many(holder, bound)
            self._under_way.update(bounds.keys())
        return Share(self, tuple(bounds))

    def give_back(self, holders: tuple[str, ...]) -> None:
        """Forget a request of `holders`."""
        with self._lock:
            for holder in holders:
                self._under_way[holder] -= 1
                if not self._under_way[holder]:
                    del self._under_way[holder]


def of(app: Flask) -> Shares:
    """Return the long requests of `app`."""
    shares: Shares = app.extensions["stetho_long_requests"]
    return shares


def _limit_body(operations: OperationLookup, most_sound_bytes: int) -> None:
    """Refuse a body that is too large before it is read."""
    operation = operations.of_request()
    most = most_sound_bytes if operation is not None and takes_sound(operation) else SMALL_BODY_BYTES
    # The server states the length of every body but a large one in chunks, which it ends at STETHO_UPLOAD_MB.
    is_in_chunks = request.content_length is None and "Transfer-Encoding" in request.headers
    length = SMALL_BODY_BYTES + 1 if is_in_chunks else request.content_length or 0
    if request.url_rule is not None and length > most:
        raise ProblemError(413, DETAILS[413])


def _take_share(operations: OperationLookup, shares: Shares) -> None:
    operation = operations.of_request()
    if operation is not None and is_long(operation):
        g.share = shares.take(g.principal, network_of(request.remote_addr or ""))


def _release_with_answer(response: Response) -> Response:
    if "share" in g:
        response.direct_passthrough = False  # else the server would close the file, and not the response
        response.call_on_close(g.share.release)
    return response


def _has(described: Method, media_types: tuple[str, ...]) -> bool:
    return any(media_type.startswith(media_types) for media_type in described.get("content", {}))


def _too_many(holder: str, bound: int) -> ProblemError:
    what = "event streams, exports, reports, pictures, uploads and commands"
    if holder == "all":
        return ProblemError(503, f"the server is busy with {bound} {what}; try again soon", _RETRY)
    return ProblemError(
        429,
        f"{bound} {what} of your {holder.partition(' ')[0]} are under way; end one, or wait until one ends",
        _RETRY,
    )
