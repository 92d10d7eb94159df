"""Features of sound that has not ended: resampled and transformed as it comes, the last seconds kept.

Equal to the features of the whole recording but for the rounding at the seams of the resampler; what is held
is bounded, whatever the length of the sound.
"""

from collections.abc import Callable
from math import gcd
from typing import Final

import numpy as np
import soxr

from edge_worker.features import Features, Float32Array

_CONTEXT: Final = 64
"""Samples of the lower rate that the filter sees on either side; what is missing on the right waits."""
_LONGEST_UNIT_S: Final = 0.05
"""Rates whose common period is longer are cut between samples, to the nearest one."""

Feed = Callable[[Float32Array], None]


class Resampler:
    """Sound at another rate, some hundredths of a second late; soxr's own stream is up to 0.5 s late."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Rates in Hz."""
        self._from, self._to = from_rate, to_rate
        common = gcd(from_rate, to_rate)
        self._unit_in, self._unit_out = from_rate // common, to_rate // common
        self._is_exact = self._unit_in <= _LONGEST_UNIT_S * from_rate
        context_s = _CONTEXT / min(from_rate, to_rate)
        self._context = -(-round(context_s * from_rate) // self._unit_in) * self._unit_in
        if not self._is_exact:
            self._context = round(context_s * from_rate)
        self._held: Float32Array = np.empty(0, np.float32)
        self._held_from = 0
        self._done = 0

    def push(self, samples: Float32Array) -> Float32Array:
        """Take samples (samples,) at the one rate; return those at the other that are certain now."""
        if self._from == self._to:
            return samples
        self._held = np.concatenate((self._held, samples))
        return self._advance(self._held_from + len(self._held) - self._context)

    def flush(self) -> Float32Array:
        """Return what was held back; the sound has ended."""
        if self._from == self._to:
            return np.empty(0, np.float32)
        end = self._held_from + len(self._held)
        return self._advance(end + self._unit_in - 1 if self._is_exact else end)

    def _advance(self, until: int) -> Float32Array:
        """Return the output up to input sample `until`, as far as whole units go."""
        count = self._outputs(until) - self._done
        if count <= 0:
            return np.empty(0, np.float32)
        begin = max(0, self._input(self._done) - self._context)
        seen = self._held[
            begin - self._held_from : self._input(self._done + count) + self._context - self._held_from
        ]
        resampled: Float32Array = soxr.resample(seen, self._from, self._to, quality="MQ")
        skipped = round((self._input(self._done) - begin) * self._to / self._from)
        fresh = resampled[skipped : skipped + count]
        self._done += count
        keep_from = max(self._held_from, self._input(self._done) - self._context)
        self._held, self._held_from = self._held[keep_from - self._held_from :], keep_from
        return fresh

    def _outputs(self, until: int) -> int:
        if self._is_exact:
            return until // self._unit_in * self._unit_out
        return until * self._to // self._from

    def _input(self, output: int) -> int:
        if self._is_exact:
            return output // self._unit_out * self._unit_in
        return round(output * self._from / self._to)


class RollingFrames:
    """The last frames of sound that goes on, each with its number since the beginning."""

    def __init__(self, features: Features, keep_s: float) -> None:
        """Keep frames of the last `keep_s` seconds, one at least."""
        self._features = features
        self._keep = max(1, features.frames(keep_s))
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
        fresh = self._features.of(self._samples[:used])
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
