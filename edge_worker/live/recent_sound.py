"""Recent sound of a recording: level and spectrogram of its last seconds, computed as it arrives.

About 50 KiB, whatever the sample rate; the samples themselves are not kept.
"""

from typing import Final, NamedTuple

from edge_worker.analysis.samples.heard_sound import CHANNELS
from edge_worker.live.heart_rate_tracker import SEARCH_S
from edge_worker.protocol.result import Channel
from edge_worker.signal.arrays import Float32Array, Int16Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.level_meter import Level, LevelMeter
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.pcm import amplify
from edge_worker.signal.streaming_features import StreamingFeatures
from edge_worker.signal.streaming_resampler import StreamingResampler

RECENT_S: Final = 2.0
"""The last sound, which a hint is about."""


class Hearing(NamedTuple):
    """How a recording is heard."""

    channel: Channel | None
    """Channel that is heard alone; None: the mean of all."""
    amplification: float
    is_heart: bool


class RecentSound:
    """Level of the last seconds and, of a heart, their spectrogram. Sound is pushed in order."""

    def __init__(self, sample_rate: int, first_sample: int, hearing: Hearing) -> None:
        """Begin at `first_sample`; `hearing` is the same for all that follows."""
        self.hearing = hearing
        self.position = self._begin = first_sample
        self._rate = sample_rate
        self._levels = LevelMeter(sample_rate, first_sample, has_power=not hearing.is_heart)
        self._resampler = (
            StreamingResampler(sample_rate, HEART_LOG_MEL.sample_rate) if hearing.is_heart else None
        )
        self._frames = StreamingFeatures(HEART_LOG_MEL, SEARCH_S)

    @property
    def duration_s(self) -> float:
        """Length of the sound that a hint is about, seconds."""
        return min(RECENT_S, (self.position - self._begin) / self._rate)

    def push(self, pcm: Int16Array) -> None:
        """Add samples (samples, channels)."""
        channel, amplification, _ = self.hearing
        one = pcm if channel is None else pcm[:, CHANNELS.index(channel), None]
        heard = amplify(one, amplification)
        mono = Signal.from_pcm(heard, self._rate).samples
        self.position += len(pcm)
        self._levels.push(heard, mono)
        if self._resampler is not None:
            resampled = self._resampler.push(mono)
            if len(resampled):
                self._frames.push(resampled)

    def level(self) -> Level:
        """Return the level of the sound that a hint is about."""
        return self._levels.between(self.position - round(RECENT_S * self._rate), self.position)

    def frames(self, seconds: float) -> Float32Array:
        """Return the `HEART_LOG_MEL` spectrogram of the last seconds, (frames, bands)."""
        return self._frames.last(HEART_LOG_MEL.frame_count(seconds))
