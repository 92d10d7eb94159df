"""Orphans: WAV files that no recording names, and recordings whose WAV file is gone."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.database.history import History

FOLDER: Final = "orphans"
"""Below the data directory: where the history API moves orphans after an hour."""
_NEW_S: Final = 60.0
"""A file younger than this may belong to a recording that is being stored."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """What does not fit together; paths are below the data directory, sorted."""

    files: list[str]
    """Without a recording: a crash or a restore by hand left them."""
    bytes: int
    """Of these files, and of those that were moved aside."""
    audio_files: int
    """How many files there are in all."""
    aside: list[str]
    """Orphans that were moved to `FOLDER`."""
    recordings: list[str]
    """Paths that recordings name, and that are not there."""


def find(history: History, data_dir: Path) -> Orphans:
    """Compare the database with the audio on disk; files are listed first, so that a new one is no orphan."""
    now = time.time()
    sizes, new = {}, set()
    for path in (data_dir / "audio").glob("*/*"):
        try:
            status = path.lstat()
        except FileNotFoundError:  # deleted meanwhile
            continue
        name = str(path.relative_to(data_dir))
        sizes[name] = status.st_size
        if abs(now - status.st_mtime) < _NEW_S:  # one that a wrong clock dated later is not new
            new.add(name)
    named = history.audio_files()
    files = sorted(sizes.keys() - named.keys() - new)
    wanted = sorted(name for name, is_kept in named.items() if is_kept and name not in sizes)
    gone = [name for name in wanted if not (data_dir / name).exists()]
    aside = {
        str(path.relative_to(data_dir)): path.lstat().st_size for path in (data_dir / FOLDER).glob("*/*")
    }
    size = sum(sizes[name] for name in files) + sum(aside.values())
    return Orphans(files, size, len(sizes), sorted(aside), gone)
