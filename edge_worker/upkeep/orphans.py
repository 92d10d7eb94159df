"""Orphans: WAV files that no recording names, and recordings whose WAV file is gone."""

import time
from dataclasses import dataclass
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.sound import ASIDE, Sound
from edge_worker.database.history import History

_NEW_S: Final = 60.0
"""A file younger than this may belong to a recording that is being stored."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """What does not fit together; names of sounds, sorted."""

    files: list[str]
    """Without a recording: a crash or a restore by hand left them."""
    bytes: int
    """Of these files, and of those that were moved aside."""
    audio_files: int
    """How many files there are in all."""
    aside: list[str]
    """Orphans that were moved aside."""
    recordings: list[str]
    """Paths that recordings name, and that are not there."""


def is_new(sound: Sound, now: float) -> bool:
    """Return whether a sound may belong to a recording that is being stored at `now`, Unix seconds."""
    return abs(now - sound.changed_at) < _NEW_S  # one that a wrong clock dated later is not new


def find(history: History, store: AudioStore) -> Orphans:
    """Compare the database with the sounds; files are listed first, so that a new one is no orphan."""
    now = time.time()
    sizes, new = {}, set()
    for sound in store.sounds():
        sizes[sound.name] = sound.size
        if is_new(sound, now):
            new.add(sound.name)
    named = history.audio_files()
    files = sorted(sizes.keys() - named.keys() - new)
    gone = {name for name, is_kept in named.items() if is_kept and name not in sizes}
    if gone:  # or stored since they were listed
        gone.difference_update([sound.name for sound in store.sounds()])
    aside = {sound.name: sound.size for sound in store.sounds(ASIDE)}
    size = sum(sizes[name] for name in files) + sum(aside.values())
    return Orphans(files, size, len(sizes), sorted(aside), sorted(gone))
