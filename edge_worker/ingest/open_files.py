"""Files that are appended to again and again: the last used ones stay open."""

import os
import resource
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Final

_MOST: Final = 512
_SHARE: Final = 3
"""Of what the process may open: recordings, streams, and everything else."""


class OpenFiles:
    """Descriptors by key. Used by one thread."""

    def __init__(self) -> None:
        self._descriptors: OrderedDict[Hashable, int] = OrderedDict()
        self._limit = min(_MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE)

    def get(self, key: Hashable) -> int | None:
        """Return the descriptor of a file that is open."""
        descriptor = self._descriptors.get(key)
        if descriptor is not None:
            self._descriptors.move_to_end(key)
        return descriptor

    def open(self, key: Hashable, path: str | Path) -> int:
        """Open a file to read, and to append to, making it where there is none; raises OSError."""
        if len(self._descriptors) >= self._limit:
            os.close(self._descriptors.popitem(last=False)[1])
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._descriptors[key] = descriptor
        return descriptor

    def close(self, key: Hashable) -> None:
        """Give a descriptor back; the file stays."""
        descriptor = self._descriptors.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)
