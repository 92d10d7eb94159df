"""Shards: 32 fixed parts of the devices, of which each process of a worker holds some.

The shard of a device never changes; which process holds it follows from the number of processes alone.
"""

from functools import lru_cache
from typing import Final
from zlib import crc32

SHARDS: Final = 32


@lru_cache(maxsize=4096)
def shard_of(device_id: str) -> int:
    """Return the shard of a device, 0 to 31."""
    return crc32(device_id.encode()) % SHARDS


def account_of(username: str, process: int) -> str:
    """Return the account of a process at the broker, whose session is its own."""
    return username if process == 1 else f"{username}-p{process}"
