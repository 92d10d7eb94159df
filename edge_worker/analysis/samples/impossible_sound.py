"""Impossible sound: PCM that no microphone gives, because a buffer, a wire or a format is wrong.

A label on such samples would be a label on nothing: a stereo buffer sent as mono halves the heart rate. Each
check is one of structure, and fires only where sound cannot have it: on none of 15,331 recordings of public
datasets (`docs/models.md` § Impossible sound). Coarse, quiet, padded and resampled sound passes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from edge_worker.analysis.samples.amplitude import is_one_sided, wraps_around
from edge_worker.analysis.samples.block_edges import has_block_edges
from edge_worker.analysis.samples.channel_samples import ChannelSamples
from edge_worker.analysis.samples.foreign_bytes import is_no_sound
from edge_worker.analysis.samples.interleaving import differs_in_halves, is_interleaved, is_split
from edge_worker.analysis.samples.number_format import has_stuck_bit, is_misread
from edge_worker.analysis.samples.repetition import is_held, is_repeated
from edge_worker.signal.arrays import Int16Array

MOST_SAMPLES: Final = 2**20
"""Samples of a recording that are looked at: bounds the time."""
MIN_SAMPLES: Final = 800
_NEARLY_ALL: Final = 0.95
_SLOW: Final = 64
"""Samples over which a slow ramp is measured."""
_AT_ONCE: Final = 8_192


def find_fault(pcm: Int16Array) -> str | None:
    """Return what makes samples (samples,) of one channel impossible, a word of `REASONS`; None: nothing."""
    samples = ChannelSamples(pcm[:MOST_SAMPLES])
    if len(samples) < MIN_SAMPLES:
        return None
    return next((reason for reason, is_faulty in _CHECKS if is_faulty(samples)), None)


def find_fault_of_pair(left: Int16Array, right: Int16Array) -> str | None:
    """Return what makes samples of two channels impossible that are possible each; None: nothing."""
    one, other = (ChannelSamples(pcm[:MOST_SAMPLES]) for pcm in (left, right))
    return "split_channel" if len(one) >= MIN_SAMPLES and is_split(one, other) else None


def _is_one_value(samples: ChannelSamples) -> bool:
    return samples.lowest == samples.highest


def _is_counter(samples: ChannelSamples) -> bool:
    """Return whether nearly all steps are the same, as of a counter or a ramp that wraps around."""
    return _is_ramp(samples.pcm, 1, 0, 1) or _is_ramp(samples.pcm, _SLOW, 1, _SLOW // 8)


def _is_ramp(pcm: Int16Array, lag: int, tolerance: int, least: int) -> bool:
    """Return whether nearly all samples differ from that `lag` before as the middle one does, by `least`.

    Differences of int16 wrap around, as a counter does.
    """
    middle = len(pcm) // 2
    step = pcm[middle + lag : middle + lag + 1] - pcm[middle : middle + 1]
    most_others = (1 - _NEARLY_ALL) * (len(pcm) - lag)
    others = 0
    for start in range(lag, len(pcm), _AT_ONCE):
        block = pcm[start : start + _AT_ONCE] - pcm[start - lag : start - lag + _AT_ONCE][: len(pcm) - start]
        others += int(np.count_nonzero(np.abs(block - step) > tolerance))
        if others >= most_others:
            return False
    return abs(int(step[0])) >= least


_CHECKS: Final[tuple[tuple[str, Callable[[ChannelSamples], bool]], ...]] = (
    ("one_value", _is_one_value),
    ("counter", _is_counter),
    ("interleaved", is_interleaved),
    ("held_samples", is_held),
    ("repeated_blocks", is_repeated),
    ("wrong_format", is_misread),
    ("no_sound", is_no_sound),
    ("interleaved", differs_in_halves),
    ("wrapped", wraps_around),
    ("one_sided", is_one_sided),
    ("broken_blocks", has_block_edges),
    ("stuck_bit", has_stuck_bit),
)
