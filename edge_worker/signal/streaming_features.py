"""Features of sound that has not ended: transformed as it comes, the last seconds kept.

Equal to the features of the whole sound; what is held is bounded, whatever its length.
"""

import numpy as np

from edge_worker.signal.features import FeatureParameters, Float32Array


class StreamingFeatures:
    """The last frames of sound that goes on, each with its number since the beginning."""

    def __init__(self, features: FeatureParameters, keep_s: float) -> None:
        """Keep frames of the last `keep_s` seconds, one at least."""
        self._features = features
        self._keep = max(1, features.frame_count(keep_s))
        self._samples: Float32Array = np.empty(0, np.float32)
        self._frames: Float32Array = np.empty((0, features.bands), np.float32)
        self.end = 0
        """Number of the frame after the last one."""

    def push(self, samples: Float32Array) -> None:
        """Take samples at the rate of the features."""
        self._samples = np.concatenate((self._samples, samples))
        count = 1 + (len(self._samples) - self._features.frame_length) // self._features.hop_length
        if count < 1:
            return
        used = (count - 1) * self._features.hop_length + self._features.frame_length
        fresh = self._features.transform(self._samples[:used])
        self._samples = self._samples[count * self._features.hop_length :]
        self._frames = np.concatenate((self._frames, fresh))[-self._keep :]
        self.end += count

    @property
    def begin(self) -> int:
        """Number of the first frame that is kept."""
        return self.end - len(self._frames)

    def window(self, start: int, length: int) -> Float32Array:
        """Return the kept frames from number `start` on, at most `length`: (frames, bands)."""
        first = max(start, self.begin) - self.begin
        return self._frames[first : max(first, start + length - self.begin)]

    def last(self, length: int) -> Float32Array:
        """Return the last frames, at most `length`: (frames, bands)."""
        return self._frames[max(0, len(self._frames) - length) :]
