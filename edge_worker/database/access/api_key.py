"""Keys of the history API with their roles, stored as SHA-256 digests.

A key is 32 random bytes, shown once. Its digest is enough to recognise it and of no use to a reader of the
database: there is nothing to guess.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.schema import api_keys, browser_sessions
from edge_worker.errors import StethoError
from edge_worker.own_command import stetho
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.protocol.topics import DEVICE_ID

Role = Literal["owner", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""Each may do what those before it may; an owner only with the recordings of one device."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,63}")
_TOKEN_BYTES: Final = 32


class ApiKeyError(StethoError):
    """A key cannot be added or removed as asked."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key: its holder, role and digest."""

    name: str
    role: Role
    device_id: str | None
    """Of an owner; None for all others."""
    digest: str
    """SHA-256 of the token, hexadecimal."""
    made_at: str


def digest(token: str) -> str:
    """Return the SHA-256 digest of a key, which is what is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiKeys(LazyDatabase):
    """Table of the keys of the API: add, list, find and remove keys."""

    _FAILURE = "the keys cannot be reached"

    def add(self, name: str, role: Role, device_id: str | None = None) -> str:
        """Create a key and return its token, which cannot be read back later.

        Raises:
            ApiKeyError: the name is taken or malformed, or role and device do not go together.
        """
        _check(name, role, device_id)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        key = ApiKey(name, role, device_id, digest(token), rfc3339(datetime.now(UTC)))
        values = {column: getattr(key, column) for column in ApiKey.__dataclass_fields__}
        with self._transaction() as connection:
            try:
                connection.execute(insert(api_keys).values(values))
            except IntegrityError as error:
                hint = "remove it first, or name another"
                raise ApiKeyError(f"there is a key {name!r} already; {hint}") from error
        return token

    def all(self) -> list[ApiKey]:
        """Return all keys, ordered by name."""
        with self._transaction() as connection:
            return [ApiKey(**row._mapping) for row in connection.execute(_KEYS.order_by(api_keys.c.name))]

    def find(self, known_digest: str) -> ApiKey | None:
        """Return the key of that digest; None where there is none, or none any more."""
        with self._transaction() as connection:
            row = connection.execute(_KEYS.where(api_keys.c.digest == known_digest)).first()
        return None if row is None else ApiKey(**row._mapping)

    def remove(self, name: str) -> None:
        """Delete a key, which is invalid from now on; raise ApiKeyError when there is none of that name."""
        own = select(api_keys.c.digest).where(api_keys.c.name == name).scalar_subquery()
        with self._transaction() as connection:
            connection.execute(delete(browser_sessions).where(browser_sessions.c.key_digest == own))
            removed = connection.execute(delete(api_keys).where(api_keys.c.name == name)).rowcount
        if not removed:
            raise ApiKeyError(f"there is no key {name!r}; `{stetho('key list')}` shows those that exist")


_KEYS: Final = select(*(api_keys.c[name] for name in ApiKey.__dataclass_fields__))


def _check(name: str, role: Role, device_id: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise ApiKeyError(f"the name is {name!r}; use 1 to 64 of letters, digits and @ . _ -")
    if role not in ROLES:
        raise ApiKeyError(f"the role is {role!r}; use one of {', '.join(ROLES)}")
    if (role == "owner") != (device_id is not None):
        raise ApiKeyError("only an owner has a device, and needs one: give --device with --role owner")
    if device_id is not None and not DEVICE_ID.fullmatch(device_id):
        raise ApiKeyError(f"the device is {device_id!r}; use 1 to 32 of a-z, 0-9 and -")
