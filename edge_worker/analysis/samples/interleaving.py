"""Interleaving: whether samples of one channel are those of several channels in turns."""

from typing import Final

import numpy as np

from edge_worker.analysis.samples.channel_samples import ChannelSamples, mean_square, roughness
from edge_worker.signal.arrays import Int16Array

QUIET: Final = 16.0
"""Standard deviation up to which a channel may be nothing but noise of the converter."""
_STILL: Final = 2
"""Range, least significant bits, of samples that are always the same."""
_SLOTS: Final = (2, 3, 4, 6, 8)
"""Channels that a buffer may interleave."""
_GLANCED_AT: Final = 256
"""Places at which a phase must be still before all of it is looked at."""
_MIN_DISTINCT: Final = 24
_IMAGE: Final = 0.02
"""Power of what differs between alternating samples, over theirs."""
_SMOOTH: Final = 0.03
"""Roughness up to which what differs is sound."""


def is_interleaved(samples: ChannelSamples) -> bool:
    """Return whether some of every few samples are silent and others are not, or differ in step."""
    pcm = samples.pcm
    if int(pcm.max()) - int(pcm.min()) > QUIET and any(_has_still_phase(pcm, slots) for slots in _SLOTS):
        return True
    return _has_image(samples)


def _has_still_phase(pcm: Int16Array, slots: int) -> bool:
    phases = pcm[: len(pcm) // slots * slots].reshape(-1, slots)
    if not _still(phases[:: max(1, len(phases) // _GLANCED_AT)]).any():
        return False
    if not _still(phases).any():
        return False
    other = phases[:, int(phases.std(axis=0).argmax())]
    # A computed tone may cross zero at the same phase for ever.
    return bool(other.std() > QUIET) and len(np.unique(other)) >= _MIN_DISTINCT


def _still(phases: Int16Array) -> np.ndarray:
    still: np.ndarray = phases.max(axis=0) - phases.min(axis=0).astype(np.int32) <= _STILL
    return still


def _has_image(samples: ChannelSamples) -> bool:
    """Return whether two channels alternate: what differs between them is as smooth as they are."""
    paired = samples.centred[: len(samples) // 2 * 2]
    left, right = paired[0::2], paired[1::2]
    differs = right[:-1] - (left[:-1] + left[1:]) / 2
    offset = float(differs.mean())
    power = max(0.0, mean_square(differs) - offset**2)
    if abs(offset) > max(QUIET, 0.5 * power**0.5):
        return True
    both = 2 * samples.variance - offset**2 / 2
    return power > QUIET**2 and power > _IMAGE * max(1.0, both) and roughness(differs) < _SMOOTH
