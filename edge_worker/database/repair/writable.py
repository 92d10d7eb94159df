"""Whether files can be written now: a disk may be mounted read-only after an error, or be gone."""

import os
from collections.abc import Iterable
from pathlib import Path


def unwritable(paths: Iterable[Path]) -> str:
    """Return which of these files and directories cannot be written, why, and what to do; empty: all can."""
    for path in paths:
        try:
            if not os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0)):
                return f"{path} cannot be written: {_reason(path)}"
        except OSError as error:
            return f"{path} cannot be written: {error.strerror}"
    return ""


def open_problem(path: Path | str) -> str:
    """Return why an existing file does not open for writing; `access` misses a disk that failed meanwhile.

    Not for files on which this process holds POSIX locks: closing them here would end those locks.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be written ({error.strerror}): look after its disk"
    return ""


def _reason(path: Path) -> str:
    if not path.exists():
        return "it is gone; mount its disk"
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "its disk is mounted read-only; look for its errors, and mount it for writing"
    return "this user may not write there"
