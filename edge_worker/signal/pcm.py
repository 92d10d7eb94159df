"""Signed 16-bit PCM: full scale, clipping, amplification."""

from typing import Final

import numpy as np

from edge_worker.signal.arrays import Int16Array

FULL_SCALE: Final = 32768
"""Magnitude of the most negative sample."""
CLIPPED_PCM: Final = 32735
"""Magnitude from which a sample counts as clipped: 0.999 of full scale."""


def amplify(pcm: Int16Array, amplification: float) -> Int16Array:
    """Return PCM multiplied by a factor; values beyond full scale are limited to it and count as clipped."""
    if amplification == 1:
        return pcm
    limits = np.iinfo(np.int16)
    return np.clip(np.round(pcm * float(amplification)), limits.min, limits.max).astype(np.int16)
