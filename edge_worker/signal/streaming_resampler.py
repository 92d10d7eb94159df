"""Streaming resampler with a latency of some hundredths of a second; soxr's own stream has up to 0.5 s.

Windowed sinc filters as matrices, in two stages where the rates are far apart (R. E. Crochiere and L. R.
Rabiner, Proc. IEEE 69(3), 1981): the second stage removes what the first lets through between the bands, so
that the first needs a fraction of the taps.
"""

from functools import lru_cache
from math import ceil, gcd
from typing import Final, Protocol

import numpy as np
import soxr

from edge_worker.signal.arrays import Float32Array, sliding_windows

_CONTEXT: Final = 64
"""Samples of the lower rate that the filter needs on either side; output waits for those on the right."""
_UNIT_S: Final = 0.01
"""Shortest section that is resampled at once."""
_LONGEST_UNIT_S: Final = 0.05
"""Rates whose common period is longer are resampled by soxr, which costs far more."""
_KAISER_BETA: Final = 8.0
"""Stopband attenuation of 80 dB."""
_CUTOFF: Final = 0.96
"""-6 dB point of the filter, as a fraction of half the lower rate: flat to 0.92, closed from 1 on."""
_FIRST_UNIT: Final = 16
"""Samples that the first of two stages gives at once."""
_KAISER_WIDTH: Final = 2.51
"""Half the length of a filter of 80 dB, in periods of its transition width (Kaiser's formula)."""


class Stage(Protocol):
    """One stage of resampling from one rate to another."""

    def push(self, samples: Float32Array) -> Float32Array:
        """Process samples (samples,) at the input rate; return the output samples that are complete now."""

    def flush(self) -> Float32Array:
        """Return the output that was still incomplete, followed by up to one unit of silence."""


class StreamingResampler:
    """Resamples one stream of mono samples piece by piece."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Set up the stages from `from_rate` to `to_rate`, both in Hz."""
        self._from, self._to = from_rate, to_rate
        self._stages = _stages(from_rate, to_rate)
        self._received = self._returned = 0

    def push(self, samples: Float32Array) -> Float32Array:
        """Process samples (samples,) at the input rate; return the output samples that are complete now."""
        self._received += len(samples)
        for stage in self._stages:
            samples = stage.push(samples)
        self._returned += len(samples)
        return samples

    def flush(self) -> Float32Array:
        """Return the remaining output at the end of the stream or before a gap."""
        samples: Float32Array = np.empty(0, np.float32)
        for stage in self._stages:
            samples = np.concatenate((stage.push(samples), stage.flush()))
        return samples[: self._received * self._to // self._from - self._returned]


class _MatrixStage:
    """Stage for rates with a short common period: each unit of input and its context, times a matrix."""

    def __init__(self, matrix: Float32Array, unit_in: int) -> None:
        self._matrix, self._unit = matrix, unit_in
        self._context = (len(matrix) - unit_in) // 2
        self._pending: Float32Array = np.zeros(self._context, np.float32)

    def push(self, samples: Float32Array) -> Float32Array:
        pending = np.concatenate((self._pending, samples))
        count = max(0, (len(pending) - 2 * self._context) // self._unit)
        self._pending = pending[count * self._unit :].copy()  # a view would keep all that was pushed
        if not count:
            return np.empty(0, np.float32)
        units = sliding_windows(pending, count, len(self._matrix), self._unit)
        fresh: Float32Array = np.ascontiguousarray(units) @ self._matrix
        return fresh.reshape(-1)

    def flush(self) -> Float32Array:
        return self.push(np.zeros(self._context + self._unit, np.float32))


class _SoxrStage:
    """Stage for any two rates: soxr over the new samples and their context."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._from, self._to = from_rate, to_rate
        self._context = round(_CONTEXT / min(from_rate, to_rate) * from_rate)
        self._pending: Float32Array = np.empty(0, np.float32)
        self._pending_from = self._done = 0

    def push(self, samples: Float32Array) -> Float32Array:
        self._pending = np.concatenate((self._pending, samples))
        return self._until(self._pending_from + len(self._pending) - self._context)

    def flush(self) -> Float32Array:
        return self._until(self._pending_from + len(self._pending))

    def _until(self, until: int) -> Float32Array:
        """Return the output that ends before input sample `until`."""
        count = until * self._to // self._from - self._done
        if count <= 0:
            return np.empty(0, np.float32)
        begin = max(0, self._input(self._done) - self._context)
        stop = self._input(self._done + count) + self._context
        context = self._pending[begin - self._pending_from : stop - self._pending_from]
        resampled: Float32Array = soxr.resample(context, self._from, self._to, quality="MQ")
        skipped = round((self._input(self._done) - begin) * self._to / self._from)
        fresh = resampled[skipped : skipped + count]
        self._done += count
        keep_from = max(self._pending_from, self._input(self._done) - self._context)
        self._pending, self._pending_from = self._pending[keep_from - self._pending_from :], keep_from
        return fresh

    def _input(self, output: int) -> int:
        """Return the input sample at the time of an output sample."""
        return round(output * self._from / self._to)


def _stages(from_rate: int, to_rate: int) -> list[Stage]:
    """Return one or two stages; none where the rates are equal."""
    if from_rate == to_rate:
        return []
    between = _intermediate_rate(from_rate, to_rate)
    if between != from_rate:
        context = ceil(_KAISER_WIDTH * from_rate / (between - to_rate))
        unit_in = from_rate // between * _FIRST_UNIT
        first = _MatrixStage(_matrix(from_rate, between, unit_in, context, between), unit_in)
        return [first, *_stages(between, to_rate)]
    if not _is_exact(from_rate, to_rate):
        return [_SoxrStage(from_rate, to_rate)]
    lower, common = min(from_rate, to_rate), gcd(from_rate, to_rate)
    unit_in = from_rate // common * max(1, round(_UNIT_S * common))
    context = round(_CONTEXT / lower * from_rate)
    return [_MatrixStage(_matrix(from_rate, to_rate, unit_in, context, lower * _CUTOFF), unit_in)]


def _intermediate_rate(from_rate: int, to_rate: int) -> int:
    """Return the output rate of the first of two stages, or `from_rate` where one stage is enough.

    It is the lowest fraction of `from_rate` above twice `to_rate`. Its aliases lie in the stopband of the
    second stage.
    """
    fractions = (from_rate // by for by in range(from_rate // (2 * to_rate), 2, -1) if from_rate % by == 0)
    return next((rate for rate in fractions if _is_exact(rate, to_rate)), from_rate)


def _is_exact(from_rate: int, to_rate: int) -> bool:
    """Return whether the common period of two rates is short enough for a matrix."""
    return gcd(from_rate, to_rate) * _LONGEST_UNIT_S >= 1


@lru_cache(maxsize=32)
def _matrix(from_rate: int, to_rate: int, unit_in: int, context: int, cutoff_hz: float) -> Float32Array:
    """Return the matrix from a unit of input and its context to a unit of output, (inputs, outputs).

    `inputs` are unit_in + 2 context. A sinc whose -6 dB point is half of `cutoff_hz`, in a Kaiser window
    (J. F. Kaiser and R. W. Schafer, IEEE Trans. ASSP 28(1), 1980).
    """
    unit_out = unit_in * to_rate // from_rate
    input_s = (np.arange(-context, unit_in + context) / from_rate)[:, np.newaxis]
    distance_s = input_s - np.arange(unit_out) / to_rate
    inside = np.abs(distance_s) <= context / from_rate
    shape = np.sqrt(np.clip(1 - np.square(distance_s * from_rate / context), 0, 1))
    window = np.i0(_KAISER_BETA * shape) / np.i0(_KAISER_BETA)
    taps = inside * window * np.sinc(distance_s * cutoff_hz)
    return np.ascontiguousarray(taps / taps.sum(axis=0), dtype=np.float32)
