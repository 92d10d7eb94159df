"""Impossible sound: PCM that no microphone gives, because a buffer, a wire or a format is wrong.

A label on such samples would be a label on nothing: a stereo buffer sent as mono halves the heart rate. Each
check is one of structure, and fires only where sound cannot have it: on none of 15,331 recordings of public
datasets (`docs/models.md` § Impossible sound). Coarse, quiet, padded and resampled sound passes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from edge_worker.analysis.samples.channel_samples import ChannelSamples
from edge_worker.analysis.samples.interleaving import is_interleaved
from edge_worker.analysis.samples.number_format import has_stuck_bit, is_misread
from edge_worker.analysis.samples.repetition import is_held, is_repeated
from edge_worker.signal.arrays import Int16Array

MOST_SAMPLES: Final = 2**20
"""Samples of a recording that are looked at: bounds the time."""
MIN_SAMPLES: Final = 800
_NEARLY_ALL: Final = 0.95


def find_fault(pcm: Int16Array) -> str | None:
    """Return what makes samples (samples,) of one channel impossible, a word of `REASONS`; None: nothing."""
    samples = ChannelSamples(pcm[:MOST_SAMPLES])
    if len(samples) < MIN_SAMPLES:
        return None
    return next((reason for reason, is_faulty in _CHECKS.items() if is_faulty(samples)), None)


def _is_one_value(samples: ChannelSamples) -> bool:
    return bool(samples.pcm.min() == samples.pcm.max())


def _is_counter(samples: ChannelSamples) -> bool:
    """Return whether nearly all steps are the same, as of a counter that wraps around."""
    steps = np.diff(samples.pcm)  # wraps around, as the counter does
    step = steps[len(steps) // 2]
    return bool(step != 0 and np.count_nonzero(steps == step) > _NEARLY_ALL * len(steps))


_CHECKS: Final[dict[str, Callable[[ChannelSamples], bool]]] = {
    "one_value": _is_one_value,
    "counter": _is_counter,
    "interleaved": is_interleaved,
    "held_samples": is_held,
    "repeated_blocks": is_repeated,
    "wrong_format": is_misread,
    "stuck_bit": has_stuck_bit,
}
