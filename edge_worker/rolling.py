"""Features of sound that has not ended: resampled and transformed as it comes, the last seconds kept.

Equal to the features of the whole recording but for the rounding at the seams of the resampler; what is held
is bounded, whatever the length of the sound.
"""

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
import soxr

from edge_worker.features import Features, Float32Array

_CONTEXT: Final = 64
"""Samples of the lower rate that the filter sees on either side; what is missing on the right waits."""
_UNIT_S: Final = 0.01
"""What is resampled at once, at least."""
_LONGEST_UNIT_S: Final = 0.05
"""Rates whose common period is longer are resampled by soxr, which costs ten times as much."""
_KAISER_BETA: Final = 8.0
_PASSED: Final = 0.96
"""Where the filter is half open, as a fraction of half the lower rate: flat to 0.92, closed from 1 on."""


class Resampler:
    """Sound at another rate, some hundredths of a second late; soxr's own stream is up to 0.5 s late."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Rates in Hz."""
        self._from, self._to = from_rate, to_rate
        common = gcd(from_rate, to_rate)
        units = max(1, round(_UNIT_S * common))
        self._unit_in, self._unit_out = from_rate // common * units, to_rate // common * units
        self._is_exact = from_rate // common <= _LONGEST_UNIT_S * from_rate
        self._context = round(_CONTEXT / min(from_rate, to_rate) * from_rate)
        self._held: Float32Array = np.zeros(self._context if self._is_exact else 0, np.float32)
        self._held_from = -len(self._held)
        self._done = 0

    def push(self, samples: Float32Array) -> Float32Array:
        """Take samples (samples,) at the one rate; return those at the other that are certain now."""
        if self._from == self._to:
            return samples
        self._held = np.concatenate((self._held, samples))
        until = self._held_from + len(self._held) - self._context
        return self._by_matrix(until) if self._is_exact else self._by_soxr(until)

    def flush(self) -> Float32Array:
        """Return what was held back; no sound follows, or none that is near."""
        if self._from == self._to:
            return np.empty(0, np.float32)
        end = self._held_from + len(self._held)
        if not self._is_exact:
            return self._by_soxr(end)
        left = end * self._to // self._from - self._done
        return self.push(np.zeros(self._context + self._unit_in, np.float32))[:left]

    def _by_matrix(self, until: int) -> Float32Array:
        """Return the output up to input sample `until`, as far as whole units go."""
        begin = self._done // self._unit_out * self._unit_in
        count = (until - begin) // self._unit_in
        if count <= 0:
            return np.empty(0, np.float32)
        matrix = _matrix(self._from, self._to, self._unit_in, self._unit_out, self._context)
        size = self._held.itemsize
        seen = np.lib.stride_tricks.as_strided(
            self._held, (count, len(matrix)), (self._unit_in * size, size), writeable=False
        )
        fresh: Float32Array = (seen @ matrix).reshape(-1)
        self._done += count * self._unit_out
        self._held = self._held[count * self._unit_in :]
        self._held_from += count * self._unit_in
        return fresh

    def _by_soxr(self, until: int) -> Float32Array:
        count = until * self._to // self._from - self._done
        if count <= 0:
            return np.empty(0, np.float32)
        begin = max(0, self._input(self._done) - self._context)
        stop = self._input(self._done + count) + self._context
        seen = self._held[begin - self._held_from : stop - self._held_from]
        resampled: Float32Array = soxr.resample(seen, self._from, self._to, quality="MQ")
        skipped = round((self._input(self._done) - begin) * self._to / self._from)
        fresh = resampled[skipped : skipped + count]
        self._done += count
        keep_from = max(self._held_from, self._input(self._done) - self._context)
        self._held, self._held_from = self._held[keep_from - self._held_from :], keep_from
        return fresh

    def _input(self, output: int) -> int:
        return round(output * self._from / self._to)


@lru_cache(maxsize=16)
def _matrix(from_rate: int, to_rate: int, unit_in: int, unit_out: int, context: int) -> Float32Array:
    """Return what makes a unit of output of its input and the context: (unit_in + 2 context, unit_out).

    A sinc in a Kaiser window (J. F. Kaiser and R. W. Schafer, IEEE Trans. ASSP 28(1), 1980).
    """
    input_s = (np.arange(-context, unit_in + context) / from_rate)[:, np.newaxis]
    apart_s = input_s - np.arange(unit_out) / to_rate
    inside = np.abs(apart_s) <= context / from_rate
    shape = np.sqrt(np.clip(1 - np.square(apart_s * from_rate / context), 0, 1))
    window = np.i0(_KAISER_BETA * shape) / np.i0(_KAISER_BETA)
    taps = inside * window * np.sinc(apart_s * min(from_rate, to_rate) * _PASSED)
    return np.ascontiguousarray(taps / taps.sum(axis=0), dtype=np.float32)


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
