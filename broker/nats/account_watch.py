"""Accounts of a state directory, read again when they change."""

import re
from typing import Final

from broker.account import read_hashes
from broker.directory import StateDirectory
from edge_worker.protocol.sharing.shard import SHARDS, shard_account

_SHARD_ACCOUNT: Final = re.compile(r"(worker(?:-[a-z0-9-]+)?)-s(\d\d)")


class AccountWatch:
    """User names and the hashes of their passwords."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._seen: tuple[int, int] | None = None
        self._hashes: dict[str, str] = {}
        self._changed: set[str] = set()

    def names(self) -> list[str]:
        """Return all user names."""
        self._read()
        return list(self._hashes)

    def has(self, username: str) -> bool:
        """Return whether there is such an account."""
        return self.hash_of(username) is not None

    def hash_of(self, username: str) -> str | None:
        """Return the hash of an account's password, None where there is none.

        The shards of a worker have its password.
        """
        self._read()
        shard = _SHARD_ACCOUNT.fullmatch(username)
        if username not in self._hashes and shard and int(shard[2]) < SHARDS:
            return self._hashes.get(shard[1])
        return self._hashes.get(username)

    def changed(self) -> set[str]:
        """Return the accounts that are gone, or have another password, since the last call."""
        self._read()
        changed, self._changed = self._changed, set()
        shards = {shard_account(name, shard) for name in changed for shard in range(SHARDS)}
        return changed | (shards - self._hashes.keys())

    def _read(self) -> None:
        try:
            status = self._state.passwords.stat()
            seen = (status.st_mtime_ns, status.st_ino)
        except FileNotFoundError:
            seen = (0, 0)
        if seen != self._seen:
            before, self._hashes = self._hashes, read_hashes(self._state)
            self._changed |= {name for name in before if self._hashes.get(name) != before[name]}
            self._seen = seen
