"""Preview of a recording that is still open: the live value for a display of the device.

Only sound that is new is read back from the spool.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_worker.analysis.device_profile import DeviceProfiles
from edge_worker.analysis.samples.heard_sound import HeardSound
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.ingest.recording import Recording
from edge_worker.ingest.spool import Spool
from edge_worker.live.heart_rate_tracker import SEARCH_S, HeartRateTracker
from edge_worker.live.recent_sound import RECENT_S, Hearing, RecentSound
from edge_worker.protocol.live_value import LISTENING, LiveValue, heart_hint, room_hint
from edge_worker.protocol.result import Channel, Quality
from edge_worker.signal import quality
from edge_worker.signal.quality import HeartFrames

RATE_EVERY_S: Final = 1.5
"""Sound between two searches for a heart rate."""
LOOK_EVERY_S: Final = 4.0
"""Sound between two looks at the samples themselves, and before the first: a shorter recording has its result
then. Of two channels it must be known before which of them is heard."""


@dataclass(slots=True)
class RecordingPreview:
    """One open recording, what its last seconds sound like, and its last heart rate."""

    recording: Recording
    _sound: RecentSound | None = field(default=None, init=False)
    _heart_rate: HeartRateTracker = field(default_factory=lambda: HeartRateTracker(RATE_EVERY_S), init=False)
    _looked_at_s: float = field(default=0.0, init=False)
    _channel: Channel | None = field(default=None, init=False)
    _fault: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Look at the first sound of several channels."""
        if self.recording.channels > 1:
            self._looked_at_s = -LOOK_EVERY_S

    def hear(
        self, spool: Spool, models: LoadedModels, profiles: DeviceProfiles
    ) -> HeartFrames | LiveValue | None:
        """Return the last seconds of a heart, to be assessed, or of all else the live value.

        None: the recording was closed meanwhile.
        """
        recording = self.recording
        rate, end = recording.sample_rate, recording.received.end
        now_s, meta = end / rate, recording.meta or {}
        requested = profiles.models(recording.device_id, meta)
        is_room = all(models[model].card.domain == "sound" for model in requested if model in models)
        if not self._look(spool, end, is_heart=not is_room):
            return None
        if self._fault is not None:
            no_sound = quality.impossible(self._fault)
            hint = room_hint(no_sound, "") if is_room else heart_hint(no_sound, None)
            return LiveValue(recording.name, now_s, hint)
        hearing = Hearing(self._channel, meta.get("amplification", 1), is_heart=not is_room)
        sound = self._hear(spool, end, hearing)
        if sound is None:
            return None
        level = sound.level()
        if is_room:
            any_sound = quality.assess_level(sound.duration_s, level.loudest_db, level.clipped)
            return LiveValue(recording.name, now_s, room_hint(any_sound, ""))
        frames = sound.frames(RECENT_S)
        if not len(frames):
            return LiveValue(recording.name, now_s, LISTENING)
        return HeartFrames(frames, sound.duration_s, level.clipped)

    def of_heart(self, assessed: Quality, segmenter: HeartSegmenter) -> LiveValue:
        """Return the live value of a heart that was heard; a heart rate is searched for from time to time."""
        sound = self._sound
        now_s = 0.0 if sound is None else sound.position / self.recording.sample_rate
        if sound is not None and not {"no_heartbeat", "too_short"} & set(assessed.reasons):
            self._heart_rate.search(segmenter, sound.frames(SEARCH_S), now_s)
        bpm = self._heart_rate.current(now_s)
        return LiveValue(self.recording.name, now_s, heart_hint(assessed, bpm), bpm, assessed.score)

    def _hear(self, spool: Spool, end: int, hearing: Hearing) -> RecentSound | None:
        """Return the recent sound until sample `end`, with what is new of it; None: the file is gone.

        It begins anew where it is heard in another way, or where more is new than what is looked at.
        """
        recording, sound = self.recording, self._sound
        begin = max(0, end - round(SEARCH_S * recording.sample_rate))
        if sound is None or sound.hearing != hearing or not begin <= sound.position <= end:
            sound = self._sound = RecentSound(recording.sample_rate, begin, hearing)
        pcm = spool.read_recent(recording, sound.position, end)
        if pcm is None:
            return None
        sound.push(pcm)
        return sound

    def _look(self, spool: Spool, end: int, *, is_heart: bool) -> bool:
        """Look from time to time whether samples are sound, and which are heard; False: the file is gone."""
        recording = self.recording
        now_s = end / recording.sample_rate
        if now_s - self._looked_at_s < LOOK_EVERY_S or now_s < RECENT_S:
            return True
        recent = spool.read_recent(recording, end - round(RECENT_S * recording.sample_rate), end)
        if recent is None:
            return False
        self._looked_at_s = now_s
        has_gaps = bool(recording.gaps())
        heard = HeardSound.of(recent, recording.sample_rate, is_heart=is_heart, has_gaps=has_gaps)
        self._channel, self._fault = heard.channel, heard.fault
        if recording.is_of_another_rate:
            self._fault = "wrong_rate"
        return True


def values(
    previews: Sequence[RecordingPreview],
    spool: Spool,
    models: LoadedModels,
    segmenter: HeartSegmenter,
    profiles: DeviceProfiles,
) -> list[LiveValue | None]:
    """Return the live value of each recording at this moment; None: it was closed meanwhile."""
    heard = [each.hear(spool, models, profiles) for each in previews]
    assessed = iter(quality.assess_several([each for each in heard if isinstance(each, HeartFrames)]))
    return [
        preview.of_heart(next(assessed), segmenter) if isinstance(each, HeartFrames) else each
        for preview, each in zip(previews, heard, strict=True)
    ]
