"""Sweep of the audio folder: WAV files that no recording names are moved out of the way, never deleted.

They are the sound of patients, and no limit of age or room reaches them where they lie.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.database.history import History
from edge_worker.upkeep import orphans

EVERY_S: Final = 3600.0
"""Time between two sweeps: a file that both find belongs to nothing that is being stored."""
_MOST: Final = 0.5
"""With a larger share of all files the database is wrong, not the files."""


class OrphanSweep:
    """Moves the orphans of two sweeps in a row from `audio` to `orphans`. Used by one thread."""

    def __init__(
        self, database: str, audio: AudioStore, spool: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Sweep a store of sounds; the database and the worker's `spool` say what belongs there."""
        self._database = database
        self._audio = audio
        self._spool = spool
        self._clock = clock
        self._due_at = clock()
        self._before: set[str] = set()

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next sweep."""
        return self._clock() >= self._due_at

    def sweep(self) -> int:
        """Move the files that the sweep before found, too, and return how many.

        Raises:
            StoreError: the database cannot be read, so that nothing is known of any file; nor the store.
            OSError: a file cannot be moved.
        """
        history = History.open(self._database)
        try:
            found = orphans.find(history, self._audio)
        finally:
            history.close()
        self._due_at = self._clock() + EVERY_S
        ours = {name for name in found.files if not self._is_arriving(name)}
        moved, self._before = ours & self._before, ours
        if len(found.files) > _MOST * found.audio_files:
            return 0
        for name in sorted(moved):
            self._audio.set_aside(name)
        return len(moved)

    def _is_arriving(self, name: str) -> bool:
        """Return whether the spool still holds the recording of a WAV file, whose row follows."""
        spool = self._spool / Path(name).parent.name
        return any((spool / f"{Path(name).stem}{suffix}").exists() for suffix in (".chunks", ".stream"))
