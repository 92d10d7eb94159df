"""Private files: what a program writes holds voices, hearts and keys, and is for its own user alone."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077
"""Everything that the group and all others may do."""


def keep_private(directory: Path) -> None:
    """Make everything that this process creates from now on private, and `directory` as it is."""
    os.umask(_OTHERS)
    for path in (directory, *open_to_others(directory)):
        with suppress(OSError):  # deleted meanwhile, another user's, a disk that is read-only: see the doctor
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)


def open_to_others(directory: Path) -> list[Path]:
    """Return what below `directory` another user could read or write, parents before their children.

    A folder that is private keeps private what is in it, so only open folders are looked into: a start does
    not read the names of thousands of recordings.
    """
    found = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_symlink() or not entry.stat().st_mode & _OTHERS:
                    continue
                found.append(Path(entry.path))
                if entry.is_dir():
                    found += open_to_others(Path(entry.path))
    return found
