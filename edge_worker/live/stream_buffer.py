"""Buffer of the last seconds of one stream: level, and features for each model. Memory is bounded.

Sound arrives in order; samples that did not arrive show as a jump of `first_sample`: a short gap is filled
with silence, after a long one the buffer begins anew.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.ingest.sample_ranges import MissingRanges
from edge_worker.live.stream_check import StreamCheck
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.level_meter import Level, LevelMeter
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.streaming_features import StreamingFeatures
from edge_worker.signal.streaming_resampler import StreamingResampler

Int16Array = npt.NDArray[np.int16]

FRAMES_S: Final = 12.0
"""Frames that are held: longer than any window, by the time that a window may wait."""
PENDING_S: Final = 2.0
"""Sound that may wait to be computed: bounds what is in memory."""
DELAY_S: Final = 0.05
"""Sound that resamplers hold back, at most."""
MAX_FILLED_GAP_S: Final = 4.0
"""A longer gap is not filled with silence."""


class StreamBuffer:
    """Level and features of one stream, computed on demand."""

    def __init__(self, sample_rate: int, first_sample: int = 0, known_until: int = 0) -> None:
        """Begin at `first_sample`; gaps before `known_until` are not added to `missing` (for a restart)."""
        self.sample_rate = sample_rate
        self.missing = MissingRanges()
        self.check = StreamCheck(sample_rate)
        self._known_until = known_until
        self._features: set[FeatureParameters] = set()
        self._resamplers: dict[int, StreamingResampler] = {}
        self._frames: dict[FeatureParameters, StreamingFeatures] = {}
        self._origins: dict[FeatureParameters, int] = {}
        self._begin_at(first_sample)

    def compute_features(self, features: Iterable[FeatureParameters]) -> None:
        """Compute these features from now on, and no others."""
        self._compute()
        requested = set(features)
        for new in requested - self._frames.keys():
            self._frames[new], self._origins[new] = StreamingFeatures(new, FRAMES_S), self.position
            if new.sample_rate not in self._resamplers:
                self._resamplers[new.sample_rate] = StreamingResampler(self.sample_rate, new.sample_rate)
        for old in self._frames.keys() - requested:
            del self._frames[old], self._origins[old]
        rates = {each.sample_rate for each in requested}
        self._resamplers = {rate: each for rate, each in self._resamplers.items() if rate in rates}
        self._features = requested

    def append(self, first_sample: int, pcm: Int16Array) -> None:
        """Append sound (samples, channels) that begins at `first_sample`, not before `position`.

        It is computed on demand: for several chunks at once that costs about as much as for one.
        """
        gap = first_sample - self.position
        if gap > 0:
            self.note_missing(first_sample)
            if self.begins_anew(first_sample):
                self._begin_at(first_sample)
            else:
                self._append(np.zeros((gap, pcm.shape[1]), np.int16))
        self._append(pcm)
        if self.position - self._computed > PENDING_S * self.sample_rate:
            self._compute()

    def note_missing(self, until: int) -> None:
        """Note that what follows, up to a sample, did not arrive; what was known before the restart did."""
        self.missing.add(max(self.position, self._known_until), until)

    def begins_anew(self, first_sample: int) -> bool:
        """Return whether sound at `first_sample` is too far away for the gap to be filled.

        Before such sound is appended, call `finish` and classify the windows that are there.
        """
        return first_sample - self.position > MAX_FILLED_GAP_S * self.sample_rate

    def finish(self) -> None:
        """Compute what the resamplers hold back: no sound follows, or only after a long gap."""
        self._compute()
        for rate, resampler in self._resamplers.items():
            self._push(rate, resampler.flush())

    def has(self, features: FeatureParameters) -> bool:
        """Return whether these features are computed."""
        return features in self._frames

    def frames(self, features: FeatureParameters) -> StreamingFeatures:
        """Return the last frames of features that are computed."""
        self._compute()
        return self._frames[features]

    def origin(self, features: FeatureParameters) -> int | None:
        """Return the sample of the stream at which frame 0 begins; None: these are not computed."""
        return self._origins.get(features)

    def sample_of(self, features: FeatureParameters, frame: int) -> int:
        """Return the sample of the stream at which a frame begins."""
        return self._origins[features] + round(
            frame * features.hop_length * self.sample_rate / features.sample_rate
        )

    def frame_of(self, features: FeatureParameters, sample: int) -> int:
        """Return the frame that begins closest to a sample, 0 at least."""
        since = sample - self._origins[features]
        return max(0, round(since * features.sample_rate / (features.hop_length * self.sample_rate)))

    def level(self, start: int, end: int) -> Level:
        """Return the level between two samples of the last ten seconds."""
        self._compute()
        return self._levels.between(start, end)

    def _begin_at(self, first_sample: int) -> None:
        self.position = self.begin = self._computed = first_sample
        self._pending: list[Int16Array] = []
        self._levels = LevelMeter(self.sample_rate, first_sample)
        self._frames, self._origins, self._resamplers = {}, {}, {}
        self.compute_features(self._features)

    def _append(self, pcm: Int16Array) -> None:
        self._pending.append(pcm)
        self.position += len(pcm)

    def _compute(self) -> None:
        """Bring level and features up to `position`."""
        if not self._pending:
            return
        pcm = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        self._pending.clear()
        self._computed = self.position
        has_gaps = self.missing.within(self.position - len(pcm), self.position) > 0
        mono = self.check.push(pcm, is_heart=HEART_LOG_MEL in self._features, has_gaps=has_gaps)
        self._levels.push(pcm, mono)
        for rate, resampler in self._resamplers.items():
            self._push(rate, resampler.push(mono))

    def _push(self, rate: int, samples: Float32Array) -> None:
        """Append resampled sound to the features of that rate."""
        for features, frames in self._frames.items():
            if features.sample_rate == rate and len(samples):
                frames.push(samples)
