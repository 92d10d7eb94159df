"""A directory in which nobody can write, as on a disk that the system has made read-only after an error."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def frozen(directory: Path) -> Iterator[None]:
    """Let nothing below `directory` be written; skips the test where the file system cannot do that."""
    # Modes do not bind the superuser; and what is not on the disk yet could still be written.
    freeze, thaw = ("chattr", "+i"), ("chattr", "-i")
    if os.geteuid() != 0:
        freeze, thaw = ("chmod", "a-w"), ("chmod", "u+w")
    os.sync()
    try:
        done = subprocess.run([freeze[0], "-R", freeze[1], directory], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"this file system takes no {freeze[0]}")
        yield
    finally:
        subprocess.run([thaw[0], "-R", thaw[1], directory], capture_output=True, check=True)
