"""Limits of what a client may hold of the HTTP server: connections, time and memory."""

import resource
from dataclasses import dataclass
from typing import Final

_MOST_CONNECTIONS: Final = 1024
_KIB: Final = 1 << 10
_MIB: Final = 1 << 20


def _descriptors_to_spare() -> int:
    """Return how many connections the process may open: half of its descriptors, the rest is for files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(_MOST_CONNECTIONS, soft // 2)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server; `docs/http-api.md` § Limits says what a client meets."""

    threads: int
    """That run the application; more than may be busy with long requests, so that short ones find one."""
    connections: int = _descriptors_to_spare()
    per_address: int = 128
    """Connections of one address."""
    idle_s: float = 15.0
    """From the connection, or the last answer, to the end of the next request's headers."""
    patience_s: float = 20.0
    """That a client may keep us waiting in all, for its body or until it reads, beyond its least rate."""
    bytes_per_s: float = 4.0 * _KIB
    """The least rate."""
    unread_s: float = 60.0
    """In which a client must read the end of an answer, which is already in its connection's buffer."""
    header_bytes: int = 32 * _KIB
    body_bytes: int = 100 * _MIB
    small_body_bytes: int = 64 * _KIB
    """A body up to here has come before a thread takes the request."""
    unsent_bytes: int = 64 * _MIB
    """Of the answers of all clients that do not read them."""
