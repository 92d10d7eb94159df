"""Previews of all open recordings, some at a time, while there is CPU time to spare."""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.ingest.spool import Spool
from edge_worker.live import recording_preview
from edge_worker.live.preview_schedule import PreviewBudget, PreviewSchedule
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.protocol.live_value import LiveValue
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.telemetry.live_metrics import LiveMetrics
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
AT_ONCE: Final = 8
"""Some milliseconds, in which streams wait."""


class PreviewTurns:
    """Previews and their turns. The network thread calls what says so, the live analysis all else."""

    def __init__(
        self,
        spool: Spool,
        profiles: ActiveProfiles,
        *,
        models: LoadedModels,
        segmenter: HeartSegmenter,
        metrics: LiveMetrics,
        budget: PreviewBudget,
    ) -> None:
        """Make none while the `budget` is spent."""
        self._spool, self._profiles, self._models, self._segmenter = spool, profiles, models, segmenter
        self._metrics, self._budget = metrics, budget
        self._schedule = PreviewSchedule()
        self._due: deque[RecordingPreview] = deque()

    def note(self, recording: Recording, now: float) -> bool:
        """On the network thread: note new sound; return whether `wait_s` has changed."""
        return self._schedule.note(recording, now)

    def forget(self, key: RecordingKey) -> None:
        """On the network thread: end the previews of a recording."""
        self._schedule.forget(key)

    def forget_shards(self, shards: HeldShards) -> None:
        """On the network thread: end the previews of shards; `release` them as well."""
        self._schedule.release(shards)

    def release(self, shards: HeldShards) -> None:
        """Make none of the previews of shards that are due."""
        self._due = deque(each for each in self._due if not shards.holds(each.recording.device_id))

    def wait_s(self, now: float) -> float:
        """Return the seconds until `make` may have something to do, infinite while no sound is new."""
        return 0.0 if self._due else self._schedule.wait_s(now)

    def make(self, is_busy: Callable[[], bool]) -> list[tuple[str, LiveValue]]:
        """Return the next few live values that are due, and their devices; none where something is late."""
        now = time.monotonic()
        self._due.extend(self._schedule.due(now))
        if not self._due:
            return []
        if not self._budget.is_left(now) or self._metrics.stretch > 1 or is_busy():
            self._metrics.skipped_previews += len(self._due)
            self._due.clear()
            return []
        previews = [self._due.popleft() for _ in range(min(AT_ONCE, len(self._due)))]
        with self._budget.spend():
            try:
                return self._values(previews)
            except Exception:  # of one of them, which has none
                _LOG.debug(line("failed", previews=len(previews)))
            return [value for each in previews for value in self._value(each)]

    def _value(self, preview: RecordingPreview) -> list[tuple[str, LiveValue]]:
        try:
            return self._values([preview])
        except Exception:
            recording = preview.recording
            _LOG.exception(line("failed", device=recording.device_id, recording=recording.name))
            return []

    def _values(self, previews: list[RecordingPreview]) -> list[tuple[str, LiveValue]]:
        profiles = self._profiles.current
        values = recording_preview.values(previews, self._spool, self._models, self._segmenter, profiles)
        devices = (each.recording.device_id for each in previews)
        return [(device, value) for device, value in zip(devices, values, strict=True) if value is not None]
