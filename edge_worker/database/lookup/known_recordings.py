"""Recordings that the database may know: asked at each first chunk, and mostly it does not.

A Bloom filter (B. H. Bloom, Comm. ACM 13(7), 1970) of 2 MiB: what is not in it is new for sure, without a
query, which took 0.1 to 0.4 ms of the thread that receives chunks.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from typing import Final

_BITS: Final = 2**24
"""With a million recordings one of 80 new ones is asked about for nothing."""
_HALF: Final = 32
"""A hash has two such halves, each for one bit."""
MOST_OF_DEVICE: Final = 20_000
"""Recordings of a device with more are always asked about: to read so many takes some 30 ms, once."""

ReadNames = Callable[[str, int], Collection[str]]
"""Returns the names of the recordings of a device, at most so many."""


class KnownRecordings:
    """Which recordings may be stored or deleted; a device is read when it first matters. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filter = _Filter()

    def may_have(self, device_id: str, name: str, read: ReadNames) -> bool:
        """Return False where a recording is new for sure."""
        known = self._filter
        is_read = known.is_read.get(device_id)
        if is_read is None:
            names = read(device_id, MOST_OF_DEVICE + 1)
            is_read = len(names) <= MOST_OF_DEVICE
            if is_read:
                with self._lock:
                    known.add((device_id, each) for each in names)
            known.is_read[device_id] = is_read
        return not is_read or known.may_have(device_id, name)

    def add(self, recordings: Iterable[tuple[str, str]]) -> None:
        """Note device id and name of recordings that are in the database now."""
        with self._lock:
            self._filter.add(recordings)

    def forget(self) -> None:
        """Read all again: another process wrote for these devices, or the database is another one."""
        with self._lock:
            self._filter = _Filter()


class _Filter:
    """Bits of recordings, and of which devices all are in it."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)
        self.is_read: dict[str, bool] = {}
        """False: the device has too many."""

    def add(self, recordings: Iterable[tuple[str, str]]) -> None:
        for recording in recordings:
            for place in _places(*recording):
                self._bits[place >> 3] |= 1 << (place & 7)

    def may_have(self, device_id: str, name: str) -> bool:
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in _places(device_id, name))


def _places(device_id: str, name: str) -> tuple[int, int]:
    hashed = hash((device_id, name))
    return hashed % _BITS, (hashed >> _HALF) % _BITS
