"""Browser sessions: a signed cookie that names an API key. The server stores nothing about them.

The cookie has the digest of its key, which is looked up at every request: a session ends with its key, and no
key that is made later can take its place.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

from edge_worker.errors import StoreError

COOKIE: Final = "stetho_session"
LIFETIME: Final = timedelta(hours=12)
_FILE: Final = "api_secret"
_SECRET_BYTES: Final = 32


class Sessions:
    """Signs and verifies session cookies with a secret in the data directory."""

    def __init__(self, data_dir: Path, lifetime: timedelta = LIFETIME) -> None:
        self._path = data_dir / _FILE
        self._lifetime = lifetime
        self._secret: bytes | None = None

    def begin(self, digest: str) -> str:
        """Return the cookie of a new session of the key with this digest; raises StoreError."""
        return self._signer(self._read() or self._create()).dumps(digest)

    def digest(self, cookie: str) -> str | None:
        """Return the digest of the key in a cookie; None where it is forged or expired. Raises StoreError."""
        secret = self._read()
        if secret is None:
            return None
        try:
            return str(self._signer(secret).loads(cookie, max_age=int(self._lifetime.total_seconds())))
        except BadData:
            return None

    def _signer(self, secret: bytes) -> URLSafeTimedSerializer:
        options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        return URLSafeTimedSerializer(secret, salt="stetho session", signer_kwargs=options)

    def _read(self) -> bytes | None:
        if self._secret is None and self._path.exists():
            try:
                secret = self._path.read_bytes()
            except OSError as error:
                raise StoreError(f"the secret of the sessions cannot be read: {error}") from error
            if len(secret) < _SECRET_BYTES:  # signed with less, cookies could be forged
                raise StoreError(f"{self._path} is damaged; delete it, and everybody signs in again")
            self._secret = secret
        return self._secret

    def _create(self) -> bytes:
        """Create the secret atomically; of two processes that try at once, both use that of the first."""
        fresh = self._path.with_name(f"{_FILE}.{secrets.token_hex(8)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(_SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                self._path.hardlink_to(fresh)
            fresh.unlink()
        except OSError as error:
            raise StoreError(f"the secret of the sessions cannot be written: {error}") from error
        return self._read() or self._create()
