"""A look at a recording that is still open: what to tell the person who makes it.

Costs nothing until somebody looks: the last seconds are read back from the spool.
"""

from dataclasses import dataclass
from typing import Final

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.inference.heart_segmenter import Segmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.protocol.live_value import LiveValue, heart_hint, room_hint
from edge_worker.signal import quality
from edge_worker.signal.features import HEART, Signal, louder

RECENT_S: Final = 2.0
"""The sound that a hint is about."""
RATE_FROM_S: Final = 4.0
FIRST_RATE_S: Final = 2.5
RATE_EVERY_S: Final = 1.0
RATE_HOLDS_S: Final = 3.0


@dataclass(slots=True)
class RecordingPreview:
    """What was seen of one open recording."""

    recording: Recording
    bpm: float | None = None
    rate_s: float = 0.0
    """Sound after which the rate was found."""
    sought_s: float = float("-inf")

    def value(
        self, spool: Spool, models: LoadedModels, segmenter: Segmenter, profiles: DeviceProfiles
    ) -> LiveValue | None:
        """Look now; None: the recording was closed meanwhile."""
        recording = self.recording
        rate, end = recording.sample_rate, recording.received.end
        pcm = spool.read_recent(recording, max(0, end - round(RATE_FROM_S * rate)), end)
        if pcm is None:
            return None
        meta = recording.meta or {}
        asked = profiles.models(recording.device_id, meta)
        signal = Signal.from_pcm(louder(pcm, meta.get("amplification", 1)), rate)
        recent = Signal(signal.samples[-round(RECENT_S * rate) :], rate, signal.clipped)
        if all(models[model].card.hears == "sound" for model in asked if model in models):
            return LiveValue(recording.name, end / rate, room_hint(quality.assess_any(recent), None))
        judged = quality.assess(recent)
        if not {"no_heartbeat", "too_short"} & set(judged.reasons):
            self._seek_rate(signal, segmenter, end / rate)
        bpm = self.bpm if end / rate - self.rate_s < RATE_HOLDS_S else None
        return LiveValue(recording.name, end / rate, heart_hint(judged, bpm), bpm, judged.score)

    def _seek_rate(self, signal: Signal, segmenter: Segmenter, now_s: float) -> None:
        frames = signal.features(HEART)
        if len(frames) < HEART.frames(FIRST_RATE_S) or now_s - self.sought_s < RATE_EVERY_S:
            return
        self.sought_s = now_s
        bpm = segmenter.find_in(frames).heart_rate_bpm
        if bpm is not None:
            self.bpm, self.rate_s = bpm, now_s
