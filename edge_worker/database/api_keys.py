"""Who may use the API: keys, kept as digests, and their roles.

A key is 32 random bytes, shown once. Its SHA-256 is enough to know it again and of no use to whoever reads
the database: there is nothing to guess.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, Literal, get_args

from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from edge_worker.database import schema
from edge_worker.database.schema import api_keys
from edge_worker.errors import StethoError, StoreError
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
    """Somebody who may use the API."""

    name: str
    role: Role
    device_id: str | None
    """Of an owner; None for all others."""
    digest: str
    made_at: str


def digest(token: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiKeys:
    """The keys of the API. Every method may raise StoreError; the database is opened at the first."""

    def __init__(self, url: str) -> None:
        self._url = url

    def add(self, name: str, role: Role, device_id: str | None = None) -> str:
        """Keep a new key and return it; nothing can tell it again.

        Raises:
            KeyringError: the name is taken or malformed, or role and device do not go together.
        """
        _check(name, role, device_id)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        key = ApiKey(name, role, device_id, digest(token), rfc3339(datetime.now(UTC)))
        values = {column: getattr(key, column) for column in ApiKey.__dataclass_fields__}
        try:
            with self._transaction() as connection:
                connection.execute(insert(api_keys).values(values))
        except IntegrityError as error:
            raise ApiKeyError(f"there is a key {name!r} already; remove it first, or name another") from error
        return token

    def all(self) -> list[ApiKey]:
        """Return all keys by name."""
        with self._transaction() as connection:
            return [ApiKey(**row._mapping) for row in connection.execute(_KEYS.order_by(api_keys.c.name))]

    def find(self, known: str) -> ApiKey | None:
        """Return the key of that digest; None: nobody has it, or not any more."""
        with self._transaction() as connection:
            row = connection.execute(_KEYS.where(api_keys.c.digest == known)).first()
        return None if row is None else ApiKey(**row._mapping)

    def remove(self, name: str) -> None:
        """Forget a key: it opens nothing from now on; raises KeyringError when there is none of that name."""
        with self._transaction() as connection:
            removed = connection.execute(delete(api_keys).where(api_keys.c.name == name)).rowcount
        if not removed:
            raise ApiKeyError(f"there is no key {name!r}; `key list` shows those that there are")

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return schema.connect_existing(self._url)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        engine = self._engine
        try:
            with engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            schema.require_revision(engine)  # says it better where it is the reason
            raise StoreError(f"the keys cannot be reached: {str(error).splitlines()[0]}") from error


_KEYS: Final = select(*(api_keys.c[name] for name in ApiKey.__dataclass_fields__))


def _check(name: str, role: Role, device_id: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise ApiKeyError(f"the name is {name!r}; use 1 to 64 of letters, digits and @ . _ -")
    if role not in ROLES:
        raise ApiKeyError(f"the role is {role!r}; use one of {', '.join(ROLES)}")
    if (role == "owner") != (device_id is not None):
        raise ApiKeyError("an owner has one device, and nobody else has: give --device with --role owner")
    if device_id is not None and not DEVICE_ID.fullmatch(device_id):
        raise ApiKeyError(f"the device is {device_id!r}; use 1 to 32 of a-z, 0-9 and -")
