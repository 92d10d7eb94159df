"""Turn of a process in a directory: of several that start or repair at once, one does it, the others wait."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn_in(directory: Path) -> Iterator[None]:
    """Wait until no other process has its turn in `directory`, and have it; raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
