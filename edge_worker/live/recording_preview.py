"""Preview of a recording that is still open: the live value for a display of the device.

Costs nothing between previews: the last seconds are read back from the spool.
"""

from dataclasses import dataclass, field
from typing import Final

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.analysis.samples.heard_sound import CHANNELS, HeardSound
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.live.heart_rate_tracker import SEARCH_S, HeartRateTracker
from edge_worker.protocol.live_value import LiveValue, heart_hint, room_hint
from edge_worker.protocol.result import Channel
from edge_worker.signal import quality
from edge_worker.signal.arrays import Int16Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.pcm import amplify

RECENT_S: Final = 2.0
"""The last sound, which a hint is about."""
RATE_EVERY_S: Final = 1.0
"""Sound between two searches for a heart rate."""
LOOK_EVERY_S: Final = 4.0
"""Sound between two looks at the samples themselves, which take some milliseconds."""


@dataclass(slots=True)
class RecordingPreview:
    """One open recording, and its last heart rate."""

    recording: Recording
    _heart_rate: HeartRateTracker = field(default_factory=lambda: HeartRateTracker(RATE_EVERY_S), init=False)
    _looked_at_s: float = field(default=-LOOK_EVERY_S, init=False)
    _channel: Channel | None = field(default=None, init=False)
    _fault: str | None = field(default=None, init=False)

    def value(
        self, spool: Spool, models: LoadedModels, segmenter: HeartSegmenter, profiles: DeviceProfiles
    ) -> LiveValue | None:
        """Return the live value of this moment; None: the recording was closed meanwhile."""
        recording = self.recording
        rate, end = recording.sample_rate, recording.received.end
        pcm = spool.read_recent(recording, max(0, end - round(SEARCH_S * rate)), end)
        if pcm is None:
            return None
        now_s, meta = end / rate, recording.meta or {}
        requested = profiles.models(recording.device_id, meta)
        is_room = all(models[model].card.domain == "sound" for model in requested if model in models)
        self._look(pcm, now_s, is_heart=not is_room)
        if self._fault is not None:
            no_sound = quality.impossible(self._fault)
            hint = room_hint(no_sound, "") if is_room else heart_hint(no_sound, None)
            return LiveValue(recording.name, now_s, hint)
        heard = pcm if self._channel is None else pcm[:, CHANNELS.index(self._channel)]
        signal = Signal.from_pcm(amplify(heard, meta.get("amplification", 1)), rate)
        recent = Signal(signal.samples[-round(RECENT_S * rate) :], rate, signal.clipped)
        if is_room:
            return LiveValue(recording.name, now_s, room_hint(quality.assess_any_sound(recent), ""))
        assessed = quality.assess(recent)
        if not {"no_heartbeat", "too_short"} & set(assessed.reasons):
            self._heart_rate.search(segmenter, signal.features(HEART_LOG_MEL), now_s)
        bpm = self._heart_rate.current(now_s)
        return LiveValue(recording.name, now_s, heart_hint(assessed, bpm), bpm, assessed.score)

    def _look(self, pcm: Int16Array, now_s: float, *, is_heart: bool) -> None:
        """Look from time to time whether samples (samples, channels) are sound, and which are heard."""
        if now_s - self._looked_at_s < LOOK_EVERY_S or now_s < RECENT_S:
            return
        self._looked_at_s = now_s
        recent = pcm[-round(RECENT_S * self.recording.sample_rate) :]
        has_gaps = bool(self.recording.gaps())
        heard = HeardSound.of(recent, self.recording.sample_rate, is_heart=is_heart, has_gaps=has_gaps)
        self._channel, self._fault = heard.channel, heard.fault
        if self.recording.is_of_another_rate:
            self._fault = "wrong_rate"
