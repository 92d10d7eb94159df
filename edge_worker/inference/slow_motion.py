"""Slow motion: a fast heart heard slowed down, as its states then last as long as the network learnt them.

The network of `heart_segmenter` was trained on hearts of up to some 150 bpm. The frames of a spectrogram are
interpolated over time (`windowing.slowed`), so that a heart at 200 bpm looks like one at 133 or 100 bpm; what
is found there is set back to the time of the recording.
"""

from typing import Final

from edge_worker.signal import heart_rate, segmentation
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.heart_cycle import FIRST_BOUNDARY_S, HeartCycle

FACTORS: Final = (1.5, 2.0)
"""Times as long: the first is the better one up to 200 bpm, the second above."""
FAST_BPM: Final = 140.0
"""Lowest rate that is believed of slow motion; up to here, full speed finds nearly all hearts."""
SURE: Final = 0.5
"""Certainty from which on no slower speed is tried: most hearts have it, a fast one at half its rate not."""
_HALF_FRAME_S: Final = 0.5 / segmentation.FRAMES_PER_S


def may_be_fast(cycle: HeartCycle) -> bool:
    """Return whether a heart may beat faster than was found at full speed.

    There a fast heart is found at its rate, at half of it or not at all, and hardly ever with certainty.
    """
    return cycle.certainty < SURE


def is_fast(cycle: HeartCycle, frames: Float32Array) -> bool:
    """Return whether a cycle found in a spectrogram (frames, bands) is certainly one of a fast heart.

    Its rate is `FAST_BPM` to `heart_rate.MAX_BPM`, and loudness agrees that it is not twice the true one.
    """
    bpm = cycle.heart_rate_bpm
    return bpm is not None and FAST_BPM <= bpm <= heart_rate.MAX_BPM and not heart_rate.is_double(frames, bpm)


def at_speed(cycle: HeartCycle, factor: float) -> HeartCycle:
    """Return a heart cycle that was found `factor` times slower in the time and rate of the recording."""
    if cycle.heart_rate_bpm is None:
        return cycle
    # The middles of the first frames coincide, not their starts.
    middle_s = FIRST_BOUNDARY_S + _HALF_FRAME_S

    def moved(onsets_s: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(middle_s + (onset_s - middle_s) / factor for onset_s in onsets_s)

    bpm = cycle.heart_rate_bpm * factor
    return HeartCycle(moved(cycle.s1_s), moved(cycle.s2_s), bpm, cycle.certainty)
