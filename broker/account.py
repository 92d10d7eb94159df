"""Accounts at the broker, of devices, workers, operators, the history API, Home Assistant and notifications.

The user name determines the role, so no role is stored: `worker`, `worker-2`, `operator-ann`, `api`; any
other name is a device. The client id equals the user name.
"""

from dataclasses import dataclass
from typing import Final

from broker import password
from broker.directory import PACKAGE, StateDirectory, write_private
from edge_worker.errors import BrokerError
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import SHARDS, account_of

RESERVED_ROLES: Final = ("worker", "operator", "api", "homeassistant", "notify")


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name, which is also the client id, and password of a client."""

    username: str
    password: str


def username_for(role: str, name: str = "") -> str:
    """Return the user name of an account with role `device` or one of `RESERVED_ROLES`.

    That of a device is its id; that of another role is `role` or, with a name, `role-name`.

    Raises:
        BrokerError: the name is malformed, or reserved for a role.
    """
    username = name if role == "device" else "-".join(filter(None, (role, name)))
    if not topics.DEVICE_ID.fullmatch(username):
        raise BrokerError(f"{username!r} cannot be a name at the broker; use 1 to 32 of a-z, 0-9 and -")
    if role == "device" and username.partition("-")[0] in RESERVED_ROLES:
        raise BrokerError(
            f"{username!r} cannot be a device id; names of {', '.join(RESERVED_ROLES)} are reserved"
        )
    return username


def role_of(username: str) -> str:
    """Return the role of a user name: `device` or one of `RESERVED_ROLES`."""
    role = username.partition("-")[0]
    return role if role in RESERVED_ROLES else "device"


class Accounts:
    """Accounts of one state directory: Mosquitto's password file and ACL."""

    def __init__(self, directory: StateDirectory) -> None:
        self._directory = directory
        with directory.locked():
            self._save(self._load())

    def names(self) -> list[str]:
        """Return all user names, sorted."""
        return sorted(self._load())

    def add(self, role: str, name: str = "", *, rotate: bool = False) -> Credentials:
        """Add an account; with `rotate` an existing one gets a new password.

        Raises:
            BrokerError: the name is malformed or reserved, or exists already and `rotate` is not set.
        """
        credentials = Credentials(username_for(role, name), password.generate())
        with self._directory.locked():
            hashes = self._load()
            if credentials.username in hashes and not rotate:
                raise BrokerError(f"{credentials.username} exists already; --rotate gives it a new password")
            names = [credentials.username, *(_others(credentials.username) & hashes.keys())]
            self._save(hashes | dict.fromkeys(names, password.encode(credentials.password)))
        return credentials

    def set_processes(self, username: str, count: int) -> None:
        """Give a worker the accounts of `count` processes, and no more; they have its password.

        Raises:
            BrokerError: there is no such account.
        """
        with self._directory.locked():
            hashes = self._load()
            if username not in hashes:
                raise BrokerError(f"no account is called {username!r}; make it first")
            kept = {name: encoded for name, encoded in hashes.items() if name not in _others(username)}
            own = {account_of(username, process): hashes[username] for process in range(2, count + 1)}
            self._save(kept | own)

    def processes(self, username: str) -> int:
        """Return of how many processes a worker has the accounts."""
        names = self._load().keys()
        return 1 + len(_others(username) & names)

    def remove(self, username: str) -> None:
        """Remove an account; of a worker those of its other processes, too.

        Raises:
            BrokerError: there is no such account.
        """
        with self._directory.locked():
            hashes = self._load()
            if hashes.pop(username, None) is None:
                raise BrokerError(f"no account is called {username!r}; `list` shows them all")
            others = _others(username)
            self._save({name: encoded for name, encoded in hashes.items() if name not in others})

    def _load(self) -> dict[str, str]:
        return read_hashes(self._directory)

    def _save(self, hashes: dict[str, str]) -> None:
        # The ACL first: an account that can connect must never be without its rules.
        write_private(self._directory.acl, render_acl(sorted(hashes)))
        lines = (f"{username}:{encoded}\n" for username, encoded in sorted(hashes.items()))
        write_private(self._directory.passwords, "".join(lines))


def _others(username: str) -> set[str]:
    """Return the accounts that the other processes of a worker have, or would have; else nothing."""
    if role_of(username) != "worker":
        return set()
    return {account_of(username, process) for process in range(2, SHARDS + 1)}


def read_hashes(directory: StateDirectory) -> dict[str, str]:
    """Return the user names of a state directory and the hashes of their passwords."""
    try:
        lines = directory.passwords.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {username: encoded for username, _, encoded in (line.partition(":") for line in lines)}


def render_acl(usernames: list[str]) -> str:
    """Return the ACL of these accounts: the patterns, then for each account the block of its role."""
    patterns, *blocks = (PACKAGE / "acl").read_text().split("\nuser ")
    rules = dict(block.split("\n", 1) for block in blocks)
    rendered = [
        f"user {username}\n{rules[role_of(username)].replace('{username}', username)}"
        for username in usernames
    ]
    return "\n".join([patterns, *rendered])
