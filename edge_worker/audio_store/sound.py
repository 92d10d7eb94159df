"""A stored sound, and the names that sounds have in every store."""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Final

FOLDER: Final = "audio"
"""Names of sounds begin with it, as the database has them: `audio/<device>/<recording>.wav`."""
ASIDE: Final = "orphans"
"""Names of sounds begin with it that no recording names, and that were moved out of the way."""
OWNER: Final = f"{FOLDER}/site.txt"
"""Says in its first line whose sounds these are; no folder of a device has such a name."""
_NAME: Final = re.compile(rf"{FOLDER}/[^/]+/[^/]+")


@dataclass(frozen=True, slots=True)
class Sound:
    """A stored WAV file: facts, and a way to read it."""

    name: str
    size: int
    """Bytes"""
    changed_at: float
    """Unix seconds"""
    open: Callable[[], BufferedReader]
    """Returns its content, a file that can be read from any place on; raises OSError or StoreError."""

    @property
    def file_name(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """What precedes that."""
        return self.name.rpartition("/")[0]


def sound_name(device_id: str, recording_id: str) -> str:
    """Return the name of the sound of a recording."""
    return f"{FOLDER}/{device_id}/{recording_id}.wav"


def recording_of(name: str) -> tuple[str, str]:
    """Return device and recording of the name of a sound, or of what looks like one."""
    folder, _, file = name.rpartition("/")
    return folder.rpartition("/")[2], file.partition(".")[0]


def is_sound_name(name: str) -> bool:
    """Return whether `name`, from a database that anything may have written, is that of a sound."""
    return _NAME.fullmatch(name) is not None and ".." not in name.split("/")


def first_line_of(content: bytes) -> str:
    """Return the first line of `OWNER`, which a person may have written."""
    return content.decode(errors="replace").partition("\n")[0].strip()


def open_file(path: Path) -> BufferedReader:
    """Return a file, opened for reading."""
    return path.open("rb")


def file_sound(path: Path, name: str) -> Sound | None:
    """Return a file as a sound of that name; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Sound(name, status.st_size, status.st_mtime, partial(open_file, path))
