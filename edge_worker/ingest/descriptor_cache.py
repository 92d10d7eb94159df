"""Cache of open files that are appended to again and again, closed in least-recently-used order."""

import os
import resource
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Final

_MAX_OPEN: Final = 512
_SHARE: Final = 3
"""A cache takes a third of the files that the process may open: recordings, streams, everything else."""


class DescriptorCache:
    """Open file descriptors by key, least recently used first. Used by one thread."""

    def __init__(self) -> None:
        self._descriptors: OrderedDict[Hashable, int] = OrderedDict()
        self._limit = min(_MAX_OPEN, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE)

    def get(self, key: Hashable) -> int | None:
        """Return the descriptor of a file that is open, None where it is not."""
        descriptor = self._descriptors.get(key)
        if descriptor is not None:
            self._descriptors.move_to_end(key)
        return descriptor

    def open(self, key: Hashable, path: str | Path, *, is_new: bool = True) -> int:
        """Open a file for reading and appending, empty if it is new; raise OSError if that fails."""
        if len(self._descriptors) >= self._limit:
            os.close(self._descriptors.popitem(last=False)[1])
        create = os.O_CREAT | os.O_TRUNC if is_new else 0
        descriptor = os.open(path, os.O_RDWR | create | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._descriptors[key] = descriptor
        return descriptor

    def close(self, key: Hashable) -> None:
        """Close the descriptor of a key, if it is open; the file stays."""
        descriptor = self._descriptors.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)
