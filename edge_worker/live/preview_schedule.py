"""Schedule of previews of open recordings, and the share of a core that they may take.

All have their turn at the same moment, once a second: alone, a preview takes twice the processor time, as its
code and what it reads have left the caches.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.protocol.sharing.held_shards import HeldShards

TURN_S: Final = 1.0
"""Time between two moments at which previews are made, one of each recording that has new sound."""
FIRST_PREVIEW_S: Final = 1.5
"""Of sound: shorter than this it is too short to tell anything."""
PREVIEW_SHARE: Final = 0.15
"""Share of a core that previews may take, and only while no result waits."""
_AHEAD_S: Final = 1.5
"""Sound that arrives faster than this before its time is not being recorded now: no display shows it."""
_MAX_CREDIT_S: Final = 1.0


class PreviewSchedule:
    """Open recordings with new sound, and the last turn of each. Safe from two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[RecordingKey, Recording] = {}
        """Those with sound that no preview was made of."""
        self._previews: dict[RecordingKey, RecordingPreview] = {}
        self._began_at: dict[RecordingKey, float] = {}
        """Monotonic time at which the sound of each recording began, if it arrives as it is recorded."""
        self._turn = 0

    def note(self, recording: Recording, now: float) -> bool:
        """Note that a recording has new sound at `now`, monotonic seconds; return whether no other waits."""
        received_s = recording.received.end / recording.sample_rate
        is_ahead = received_s > now - self._began_at.setdefault(recording.key, now - received_s) + _AHEAD_S
        if is_ahead or received_s < FIRST_PREVIEW_S:
            return False
        with self._lock:
            is_first = not self._waiting
            self._waiting[recording.key] = recording
        return is_first

    def wait_s(self, now: float) -> float:
        """Return the seconds until something may be due, infinite while nothing waits."""
        return max(0.0, (self._turn + 1) * TURN_S - now) if self._waiting else float("inf")

    def due(self, now: float) -> list[RecordingPreview]:
        """Return the previews of this turn: none when it was asked for before."""
        turn = int(now / TURN_S)
        if turn == self._turn:
            return []
        self._turn = turn
        with self._lock:
            due = [self._of(recording) for recording in self._waiting.values()]
            self._waiting.clear()
        return due

    def _of(self, recording: Recording) -> RecordingPreview:
        preview = self._previews.get(recording.key)
        if preview is None or preview.recording is not recording:
            preview = self._previews[recording.key] = RecordingPreview(recording)
        return preview

    def forget(self, key: RecordingKey) -> None:
        """Drop the preview of a recording that is closed."""
        with self._lock:
            self._waiting.pop(key, None)
            self._previews.pop(key, None)
        self._began_at.pop(key, None)

    def release(self, shards: HeldShards) -> None:
        """Drop the previews of all recordings of shards."""
        for key in [key for key in self._began_at if shards.holds(key[0])]:
            self.forget(key)


class PreviewBudget:
    """CPU time that previews may take. Used by the thread of the live analysis."""

    def __init__(self, share: float) -> None:
        """Grant a `share` of a core."""
        self._share = share
        self.credit_s = 0.0
        self._credited_at = time.monotonic()

    def is_left(self, now: float) -> bool:
        """Return whether there is CPU time for a preview at `now`, monotonic seconds."""
        self.credit_s = min(_MAX_CREDIT_S, self.credit_s + self._share * (now - self._credited_at))
        self._credited_at = now
        return self.credit_s >= 0

    @contextlib.contextmanager
    def spend(self) -> Iterator[None]:
        """Charge the CPU time that this thread takes in the block."""
        started = time.thread_time()
        try:
            yield
        finally:
            self.credit_s -= time.thread_time() - started
