"""Sessions of browsers: who signed in with which key, until when. A session that ended opens nothing more.

A browser has 32 random bytes in a cookie, the database their SHA-256, as of a key.
"""

import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from edge_worker.database.access.api_key import ApiKey, ApiKeyError, digest
from edge_worker.database.engine import LazyDatabase
from edge_worker.database.schema import api_keys, browser_sessions
from edge_worker.database.site_state.site_clock import best_time
from edge_worker.own_command import stetho
from edge_worker.protocol.timestamp import rfc3339

LIFETIME: Final = timedelta(hours=12)
MOST_PER_KEY: Final = 100
"""Sessions of one key at a time; of more, those that end first are ended at once."""
_TOKEN_BYTES: Final = 32
_TOLERANCE: Final = timedelta(days=1)
"""A step of the clock that is believed at once (`clock_check`)."""
_OF_KEY: Final = select(*(api_keys.c[name] for name in ApiKey.__dataclass_fields__)).join(
    browser_sessions, browser_sessions.c.key_digest == api_keys.c.digest
)


class BrowserSessions(LazyDatabase):
    """Table of the sessions of browsers; those of a key end when it is removed."""

    _FAILURE = "the sessions cannot be reached"

    def __init__(self, url: str, lifetime: timedelta = LIFETIME) -> None:
        super().__init__(url)
        self._lifetime = lifetime

    def begin(self, key: ApiKey) -> str:
        """Begin a session of the holder of `key`; return the token for the cookie."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        sessions = browser_sessions.c
        own = select(sessions.digest).where(sessions.key_digest == key.digest)
        kept = own.order_by(sessions.ends_at.desc()).limit(MOST_PER_KEY - 1)
        with self._transaction() as connection:
            now = best_time(connection)
            ends_at = rfc3339(now + self._lifetime)
            connection.execute(delete(browser_sessions).where(sessions.ends_at <= rfc3339(now)))
            kept_digests = list(connection.execute(kept).scalars())
            ended = (sessions.key_digest == key.digest) & sessions.digest.not_in(kept_digests)
            connection.execute(delete(browser_sessions).where(ended))
            values = {"digest": digest(token), "key_digest": key.digest, "ends_at": ends_at}
            connection.execute(insert(browser_sessions), values)
        return token

    def find(self, token: str) -> ApiKey | None:
        """Return the key of the session with this token; None where there is no session, or none any more."""
        sessions = browser_sessions.c
        with self._transaction() as connection:
            now = best_time(connection)
            # One that ends too late began under a wrong clock: it would be open for years.
            is_in_time = sessions.ends_at.between(rfc3339(now), rfc3339(now + self._lifetime + _TOLERANCE))
            row = connection.execute(_OF_KEY.where(sessions.digest == digest(token), is_in_time)).first()
        return None if row is None else ApiKey(**row._mapping)

    def end(self, token: str) -> None:
        """End the session with this token."""
        with self._transaction() as connection:
            connection.execute(delete(browser_sessions).where(browser_sessions.c.digest == digest(token)))

    def end_all(self, name: str) -> int:
        """End all sessions of the key `name`; return how many. Raises ApiKeyError: there is no such key."""
        with self._transaction() as connection:
            key = connection.execute(select(api_keys.c.digest).where(api_keys.c.name == name)).scalar()
            if key is None:
                raise ApiKeyError(f"there is no key {name!r}; `{stetho('key list')}` shows those that exist")
            ended = delete(browser_sessions).where(browser_sessions.c.key_digest == key)
            return connection.execute(ended).rowcount
