"""Schedule of previews of open recordings, and the share of a core that they may take."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.protocol.sharing.held_shards import HeldShards

PREVIEW_EVERY_S: Final = 0.9
"""A little less than a second: chunks of half a second come some milliseconds early or late."""
FIRST_PREVIEW_S: Final = 1.5
"""Of sound: shorter than this it is too short to tell anything."""
PREVIEW_SHARE: Final = 0.15
"""Share of a core that previews may take, and only while no result waits."""
_AHEAD_S: Final = 1.5
"""Sound that arrives faster than this before its time is not being recorded now: no display shows it."""
_MAX_CREDIT_S: Final = 1.0


class PreviewSchedule:
    """Previews of the open recordings, with the time of the last one. Used by the network thread."""

    def __init__(self) -> None:
        self._previews: dict[RecordingKey, tuple[RecordingPreview, float]] = {}
        self._began_at: dict[RecordingKey, float] = {}
        """Monotonic time at which the sound of each recording began, if it arrives as it is recorded."""

    def due(self, recording: Recording, now: float) -> RecordingPreview | None:
        """Return the preview of a recording with new sound when it is due at `now`, monotonic seconds."""
        preview, previewed_at = self._previews.get(recording.key, (None, 0.0))
        is_new = preview is None or preview.recording is not recording
        if now - previewed_at < PREVIEW_EVERY_S and not is_new:
            return None
        received_s = recording.received.end / recording.sample_rate
        is_ahead = received_s > now - self._began_at.setdefault(recording.key, now - received_s) + _AHEAD_S
        if is_ahead or received_s < FIRST_PREVIEW_S:
            return None
        if preview is None or is_new:
            preview = RecordingPreview(recording)
        self._previews[recording.key] = (preview, now)
        return preview

    def forget(self, key: RecordingKey) -> None:
        """Drop the preview of a recording that is closed."""
        self._previews.pop(key, None)
        self._began_at.pop(key, None)

    def release(self, shards: HeldShards) -> None:
        """Drop the previews of all recordings of shards."""
        for key in [key for key in (*self._previews, *self._began_at) if shards.holds(key[0])]:
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
