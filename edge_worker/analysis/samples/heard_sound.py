"""Heard sound: what of a recording's channels is analysed, and what makes its samples impossible.

It is the mean of two channels, unless one alone is clearly better: the other is silent, faulty or noise, or
both cancel out, as where a microphone is wired the wrong way round.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from edge_worker.analysis.samples import impossible_sound
from edge_worker.protocol.result import Channel
from edge_worker.signal import quality
from edge_worker.signal.arrays import Int16Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.pcm import amplify

CHANNELS: Final[tuple[Channel, Channel]] = ("left", "right")
_OF_GAPS: Final = ("one_value", "broken_blocks")
"""Faults that zeros in place of missing samples look like."""
_CANCELLED: Final = 0.1
"""Power of the mean over that of the louder channel; 0.25 where the other is silent."""
_CLEARLY: Final = 0.05
"""Score of quality by which one channel must be better than the mean."""


@dataclass(frozen=True, slots=True)
class HeardSound:
    """The sound of a recording as it is analysed."""

    signal: Signal
    channel: Channel | None = None
    """That was heard alone; None: the mean of all."""
    fault: str | None = None
    """Why the samples are no sound, a word of `protocol.result.IMPOSSIBLE`."""

    @classmethod
    def of(
        cls,
        raw: Int16Array,
        sample_rate: int,
        amplification: float = 1,
        *,
        is_heart: bool,
        has_gaps: bool = False,
    ) -> Self:
        """Choose what to hear of samples (samples, channels); gaps are zeros, which are no fault.

        With `is_heart` the channels are compared as heart sounds.
        """
        faults = [impossible_sound.find_fault(channel) for channel in raw.T]
        pcm = amplify(raw, amplification)
        if has_gaps:
            faults = [None if fault in _OF_GAPS else fault for fault in faults]
        mean = Signal.from_pcm(pcm, sample_rate)
        sound = [number for number, fault in enumerate(faults) if fault is None]
        if not sound:
            # A silent channel says less than the other.
            return cls(mean, None, next((each for each in faults if each != "one_value"), faults[0]))
        if len(faults) == 1:
            return cls(mean)
        if len(sound) > 1 and (fault := impossible_sound.find_fault_of_pair(*raw.T)) is not None:
            return cls(mean, None, fault)
        alone = {number: Signal.from_pcm(pcm[:, number], sample_rate) for number in sound}
        number = sound[0] if len(sound) == 1 else _better(mean, alone, is_heart=is_heart)
        return cls(mean) if number is None else cls(alone[number], CHANNELS[number])


def _better(mean: Signal, alone: dict[int, Signal], *, is_heart: bool) -> int | None:
    """Return which channel is clearly better than the mean; None: neither is."""
    powers = {number: float(np.var(signal.samples)) for number, signal in alone.items()}
    loudest = max(powers, key=powers.__getitem__)
    is_cancelled = float(np.var(mean.samples)) < _CANCELLED * powers[loudest]
    if not is_heart:
        return loudest if is_cancelled else None
    scores = {number: _score(signal) for number, signal in alone.items()}
    best = max(scores, key=scores.__getitem__)
    if scores[best] > _score(mean) + _CLEARLY:
        return best
    return loudest if is_cancelled else None


def _score(signal: Signal) -> float:
    return quality.assess(signal).score or 0.0
