"""The last seconds of one stream, in the forms that models and people need. Memory is bounded.

Sound comes in order; what never came is a jump of `first_sample`: a short one is silence, after a long one
hearing begins anew.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.ingest.sample_ranges import MissingRanges
from edge_worker.signal.features import FULL_SCALE, Features, Float32Array
from edge_worker.signal.level_meter import Level, LevelMeter
from edge_worker.signal.resampler import Resampler
from edge_worker.signal.streaming_features import StreamingFeatures

Int16Array = npt.NDArray[np.int16]

KEPT_S: Final = 12.0
"""Frames that are kept: longer than any window, by the time that a window may wait."""
PENDING_S: Final = 2.0
"""Sound that may wait to be computed: bounds what is in memory."""
DELAY_S: Final = 0.05
"""Sound that resamplers hold back, at most."""
FAR_S: Final = 4.0
"""A gap of more than this is not filled with silence."""


class StreamBuffer:
    """Hears one stream."""

    def __init__(self, sample_rate: int, first_sample: int = 0, known_until: int = 0) -> None:
        """Begin at `first_sample`; what is missing before `known_until` is known already."""
        self.sample_rate = sample_rate
        self.missing = MissingRanges()
        self._known_until = known_until
        self._wanted: set[Features] = set()
        self._resamplers: dict[int, Resampler] = {}
        self._frames: dict[Features, StreamingFeatures] = {}
        self._origins: dict[Features, int] = {}
        self._begin(first_sample)

    def listen_for(self, features: Iterable[Features]) -> None:
        """Compute these from now on, and no longer what is not among them."""
        self._compute()
        wanted = set(features)
        for new in wanted - self._frames.keys():
            self._frames[new], self._origins[new] = StreamingFeatures(new, KEPT_S), self.position
            if new.sample_rate not in self._resamplers:
                self._resamplers[new.sample_rate] = Resampler(self.sample_rate, new.sample_rate)
        for old in self._frames.keys() - wanted:
            del self._frames[old], self._origins[old]
        rates = {each.sample_rate for each in wanted}
        self._resamplers = {rate: each for rate, each in self._resamplers.items() if rate in rates}
        self._wanted = wanted

    def hear(self, first_sample: int, pcm: Int16Array) -> None:
        """Take sound (samples, channels) that begins at `first_sample`, not before `position`.

        It is computed when somebody asks: for several chunks at once that costs about as much as for one.
        """
        gap = first_sample - self.position
        if gap > 0:
            self.missing.add(max(self.position, self._known_until), first_sample)
            if self.is_far(first_sample):
                self._begin(first_sample)
            else:
                self._take(np.zeros((gap, pcm.shape[1]), np.int16))
        self._take(pcm)
        if self.position - self._computed > PENDING_S * self.sample_rate:
            self._compute()

    def is_far(self, first_sample: int) -> bool:
        """Return whether hearing begins anew with a sample: `finish`, and judge what is there, before."""
        return first_sample - self.position > FAR_S * self.sample_rate

    def finish(self) -> None:
        """Take what the resamplers hold back: no sound follows, or none that is near."""
        self._compute()
        for rate, resampler in self._resamplers.items():
            self._spread(rate, resampler.flush())

    def has(self, features: Features) -> bool:
        """Return whether these are computed."""
        return features in self._frames

    def frames(self, features: Features) -> StreamingFeatures:
        """Return the last frames of what is listened for."""
        self._compute()
        return self._frames[features]

    def origin(self, features: Features) -> int | None:
        """Return the sample of the stream at which frame 0 begins; None: these are not computed."""
        return self._origins.get(features)

    def sample_of(self, features: Features, frame: int) -> int:
        """Return the sample of the stream at which a frame begins."""
        return self._origins[features] + round(
            frame * features.hop_length * self.sample_rate / features.sample_rate
        )

    def frame_of(self, features: Features, sample: int) -> int:
        """Return the frame that begins closest to a sample, 0 at least."""
        since = sample - self._origins[features]
        return max(0, round(since * features.sample_rate / (features.hop_length * self.sample_rate)))

    def level(self, start: int, end: int) -> Level:
        """Return how loud it was between two samples of the last ten seconds."""
        self._compute()
        return self._levels.between(start, end)

    def _begin(self, first_sample: int) -> None:
        self.position = self.heard_from = self._computed = first_sample
        self._pending: list[Int16Array] = []
        self._levels = LevelMeter(self.sample_rate, first_sample)
        self._frames, self._origins, self._resamplers = {}, {}, {}
        self.listen_for(self._wanted)

    def _take(self, pcm: Int16Array) -> None:
        self._pending.append(pcm)
        self.position += len(pcm)

    def _compute(self) -> None:
        """Bring everything up to `position`."""
        if not self._pending:
            return
        pcm = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        self._pending.clear()
        self._computed = self.position
        one = pcm[:, 0] if pcm.shape[1] == 1 else pcm.mean(axis=1, dtype=np.float32)
        mono = np.multiply(one, np.float32(1 / FULL_SCALE), dtype=np.float32)
        self._levels.push(pcm, mono)
        for rate, resampler in self._resamplers.items():
            self._spread(rate, resampler.push(mono))

    def _spread(self, rate: int, samples: Float32Array) -> None:
        for features, frames in self._frames.items():
            if features.sample_rate == rate and len(samples):
                frames.push(samples)
