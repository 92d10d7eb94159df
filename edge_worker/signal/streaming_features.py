"""Features of a stream, computed incrementally; memory is bounded whatever its length.

The frames are equal to those of the whole recording.
"""

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters


class StreamingFeatures:
    """Buffer of the last frames of a stream; frames are numbered from its beginning."""

    def __init__(self, features: FeatureParameters, keep_s: float) -> None:
        """Keep the frames of the last `keep_s` seconds, at least one."""
        self._features = features
        self._max_frames = max(1, features.frame_count(keep_s))
        self._pending: Float32Array = np.empty(0, np.float32)
        self._frames: Float32Array = np.empty((0, features.bands), np.float32)
        self.end = 0
        """Number of the frame after the last one."""

    def push(self, samples: Float32Array) -> None:
        """Transform samples (samples,) at the sample rate of the features."""
        self._pending = np.concatenate((self._pending, samples))
        count = 1 + (len(self._pending) - self._features.frame_length) // self._features.hop_length
        if count < 1:
            return
        used = (count - 1) * self._features.hop_length + self._features.frame_length
        fresh = self._features.transform(self._pending[:used])
        self._pending = self._pending[count * self._features.hop_length :]
        self._frames = np.concatenate((self._frames, fresh))[-self._max_frames :]
        self.end += count

    @property
    def begin(self) -> int:
        """Number of the first frame in the buffer."""
        return self.end - len(self._frames)

    def window(self, start: int, length: int) -> Float32Array:
        """Return the buffered frames from number `start` on, at most `length`: (frames, bands)."""
        first = max(start, self.begin) - self.begin
        return self._frames[first : max(first, start + length - self.begin)]

    def last(self, length: int) -> Float32Array:
        """Return the last buffered frames, at most `length`: (frames, bands)."""
        return self._frames[max(0, len(self._frames) - length) :]
