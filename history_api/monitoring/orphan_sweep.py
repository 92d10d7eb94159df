"""Sweep of the sounds: WAV files that no recording names are moved out of the way, never deleted.

They are the sound of patients, and no limit of age or room reaches them where they lie. Only those of deleted
recordings, which a crash left, are removed. Of many sounds a sweep looks at a part, and the next one goes on.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.history import History
from edge_worker.upkeep import orphans

EVERY_S: Final = 3600.0
"""Time between two rounds: a file that both find belongs to nothing that is being stored."""
_PART: Final = 10_000
"""Sounds of one sweep: ten answers of an S3-compatible store."""
_MOST: Final = 0.5
"""With a larger share of all files the database is wrong, not the files."""


class OrphanSweep:
    """Moves the orphans of two rounds in a row from `audio` to `orphans`. Used by one thread."""

    def __init__(
        self,
        database: str,
        deletion: RecordingDeletion,
        audio: AudioStore,
        spool: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sweep a store of sounds; the database and the worker's `spool` say what belongs there."""
        self._database = database
        self._deletion = deletion
        self._audio = audio
        self._spool = spool
        self._clock = clock
        self.part = _PART
        self._due_at = clock()
        self._before: set[str] = set()
        """Orphans of the round before."""
        self._after = ""
        self._seen = 0
        self._found: set[str] = set()
        """Orphans of this round."""

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next sweep."""
        return self._clock() >= self._due_at

    def sweep(self) -> int:
        """Look at the next part; move the files that the round before found, too, and return how many.

        Raises:
            StoreError: the database cannot be read, so that nothing is known of any file; nor the store.
            OSError: a file cannot be moved.
        """
        sounds = self._audio.part(self._after, self.part)
        history = History.open(self._database)
        try:
            named = history.named([sound.name for sound in sounds])
        finally:
            history.close()
        now = time.time()
        unnamed = {sound.name: orphans.is_new(sound, now) for sound in sounds if sound.name not in named}
        left = unnamed.keys() - self._deletion.remove_deleted(sorted(unnamed))
        ours = {name for name in left if not (unnamed[name] or self._is_arriving(name))}
        moved = ours & self._before
        for name in sorted(moved):
            self._audio.set_aside(name)
        self._found |= ours
        self._seen += len(sounds)
        if len(sounds) == self.part:
            self._after = sounds[-1].name
        else:
            self._end_round()
        return len(moved)

    def _end_round(self) -> None:
        self._before = self._found if len(self._found) <= _MOST * self._seen else set()
        self._after, self._seen, self._found = "", 0, set()
        self._due_at = self._clock() + EVERY_S

    def _is_arriving(self, name: str) -> bool:
        """Return whether the spool still holds the recording of a WAV file, whose row follows."""
        spool = self._spool / Path(name).parent.name
        return any((spool / f"{Path(name).stem}{suffix}").exists() for suffix in (".chunks", ".stream"))
