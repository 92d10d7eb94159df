"""Shards: 32 fixed parts of the devices, of which each process of a worker holds some.

The shard of a device never changes; which process holds it follows from the number of processes alone.
"""

from functools import lru_cache
from typing import Final

SHARDS: Final = 32
HASH: Final = "fnv1a-32"
MOST_PROCESSES: Final = 4
"""Of one worker, where nobody says more: each reads the chunks of all (ADR 9)."""
PROCESSES_FILE: Final = "processes"
"""Beside the password of a worker: for how many processes there are accounts."""


@lru_cache(maxsize=2**15)
def shard_of(device_id: str) -> int:
    """Return the shard of a device, 0 to 31: FNV-1a of 32 bits, as the mapping `partition(32,1)` of NATS."""
    hashed = 0x811C9DC5
    for byte in device_id.encode():
        hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    return hashed % SHARDS


def account_of(username: str, process: int) -> str:
    """Return the account of a process at the broker, whose session is its own."""
    return username if process == 1 else f"{username}-p{process}"


def shard_account(username: str, shard: int) -> str:
    """Return the account of a shard at a broker that deals chunks out by shard."""
    return f"{username}-s{shard:02}"
