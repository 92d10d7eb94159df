"""Sound at another rate as it comes, some hundredths of a second late; soxr's own stream is up to 0.5 s late.

Windowed sincs as matrices, in two steps where the rates are far apart (R. E. Crochiere and L. R. Rabiner,
Proc. IEEE 69(3), 1981): what the first step lets through between the bands is taken away by the second, so
that it needs a fraction of the taps.
"""

from functools import lru_cache
from math import ceil, gcd
from typing import Final, Protocol

import numpy as np
import soxr

from edge_worker.signal.features import Float32Array, sliding_windows

_CONTEXT: Final = 64
"""Samples of the lower rate that the filter sees on either side; what is missing on the right waits."""
_UNIT_S: Final = 0.01
"""What is resampled at once, at least."""
_LONGEST_UNIT_S: Final = 0.05
"""Rates whose common period is longer are resampled by soxr, which costs far more."""
_KAISER_BETA: Final = 8.0
"""80 dB."""
_PASSED: Final = 0.96
"""Where the filter is half open, as a fraction of half the lower rate: flat to 0.92, closed from 1 on."""
_FIRST_UNIT: Final = 16
"""Samples that the first of two steps makes at once."""
_KAISER_WIDTH: Final = 2.51
"""Half the length of a filter of 80 dB in periods of the width between its bands: Kaiser's formula."""


class Step(Protocol):
    """Makes one rate of another."""

    def push(self, samples: Float32Array) -> Float32Array:
        """Take samples (samples,) at the one rate; return those at the other that are certain now."""

    def flush(self) -> Float32Array:
        """Return what was held back, and perhaps some silence after it."""


class StreamingResampler:
    """One sound, piece by piece."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Rates in Hz."""
        self._from, self._to = from_rate, to_rate
        self._steps = _steps(from_rate, to_rate)
        self._heard = self._done = 0

    def push(self, samples: Float32Array) -> Float32Array:
        """Take samples (samples,) at the one rate; return those at the other that are certain now."""
        self._heard += len(samples)
        for step in self._steps:
            samples = step.push(samples)
        self._done += len(samples)
        return samples

    def flush(self) -> Float32Array:
        """Return what was held back; no sound follows, or none that is near."""
        samples: Float32Array = np.empty(0, np.float32)
        for step in self._steps:
            samples = np.concatenate((step.push(samples), step.flush()))
        return samples[: self._heard * self._to // self._from - self._done]


class _Matrix:
    """Whole units of input times what makes a unit of output of them and of their context."""

    def __init__(self, matrix: Float32Array, unit_in: int) -> None:
        self._matrix, self._unit = matrix, unit_in
        self._context = (len(matrix) - unit_in) // 2
        self._held: Float32Array = np.zeros(self._context, np.float32)

    def push(self, samples: Float32Array) -> Float32Array:
        held = np.concatenate((self._held, samples))
        count = max(0, (len(held) - 2 * self._context) // self._unit)
        self._held = held[count * self._unit :]
        if not count:
            return np.empty(0, np.float32)
        seen = sliding_windows(held, count, len(self._matrix), self._unit)
        fresh: Float32Array = np.ascontiguousarray(seen) @ self._matrix
        return fresh.reshape(-1)

    def flush(self) -> Float32Array:
        return self.push(np.zeros(self._context + self._unit, np.float32))


class _Soxr:
    """Any two rates: soxr over what is held and its context."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._from, self._to = from_rate, to_rate
        self._context = round(_CONTEXT / min(from_rate, to_rate) * from_rate)
        self._held: Float32Array = np.empty(0, np.float32)
        self._held_from = self._done = 0

    def push(self, samples: Float32Array) -> Float32Array:
        self._held = np.concatenate((self._held, samples))
        return self._until(self._held_from + len(self._held) - self._context)

    def flush(self) -> Float32Array:
        return self._until(self._held_from + len(self._held))

    def _until(self, until: int) -> Float32Array:
        """Return the output up to input sample `until`."""
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


def _steps(from_rate: int, to_rate: int) -> list[Step]:
    if from_rate == to_rate:
        return []
    between = _between(from_rate, to_rate)
    if between != from_rate:
        context = ceil(_KAISER_WIDTH * from_rate / (between - to_rate))
        unit_in = from_rate // between * _FIRST_UNIT
        first = _Matrix(_matrix(from_rate, between, unit_in, context, between), unit_in)
        return [first, *_steps(between, to_rate)]
    if not _is_exact(from_rate, to_rate):
        return [_Soxr(from_rate, to_rate)]
    lower, common = min(from_rate, to_rate), gcd(from_rate, to_rate)
    unit_in = from_rate // common * max(1, round(_UNIT_S * common))
    context = round(_CONTEXT / lower * from_rate)
    return [_Matrix(_matrix(from_rate, to_rate, unit_in, context, lower * _PASSED), unit_in)]


def _between(from_rate: int, to_rate: int) -> int:
    """Return the rate to go over: the lowest that is a fraction of the one and over twice the other, or the
    one itself. What is folded at it lies where the second step is closed.
    """
    fractions = (from_rate // by for by in range(from_rate // (2 * to_rate), 2, -1) if from_rate % by == 0)
    return next((rate for rate in fractions if _is_exact(rate, to_rate)), from_rate)


def _is_exact(from_rate: int, to_rate: int) -> bool:
    return gcd(from_rate, to_rate) * _LONGEST_UNIT_S >= 1


@lru_cache(maxsize=32)
def _matrix(from_rate: int, to_rate: int, unit_in: int, context: int, open_hz: float) -> Float32Array:
    """Return what makes a unit of output of its input and the context: (unit_in + 2 context, unit_out).

    A sinc, half open at half of `open_hz`, in a Kaiser window (J. F. Kaiser and R. W. Schafer, IEEE Trans.
    ASSP 28(1), 1980).
    """
    unit_out = unit_in * to_rate // from_rate
    input_s = (np.arange(-context, unit_in + context) / from_rate)[:, np.newaxis]
    apart_s = input_s - np.arange(unit_out) / to_rate
    inside = np.abs(apart_s) <= context / from_rate
    shape = np.sqrt(np.clip(1 - np.square(apart_s * from_rate / context), 0, 1))
    window = np.i0(_KAISER_BETA * shape) / np.i0(_KAISER_BETA)
    taps = inside * window * np.sinc(apart_s * open_hz)
    return np.ascontiguousarray(taps / taps.sum(axis=0), dtype=np.float32)
