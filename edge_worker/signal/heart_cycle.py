"""Heart cycle: S1 and S2 onsets and heart rate, decoded from the state probabilities of each frame.

The network of `inference.heart_segmenter` gives the probabilities of S1, systole, S2 and diastole. Their
period is the cycle length, hence the heart rate; `segmentation` finds the beats.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from edge_worker.signal import heart_rate, segmentation
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import HEART_LOG_MEL

LABELS: Final = ("S1", "systole", "S2", "diastole")
S1: Final = 0
S2: Final = 2
FIRST_PEAK: Final = 0.75
"""See `heart_rate.FIRST_PEAK`; lower, as probabilities separate S1 from S2 and a systole does not repeat."""
SECTION_S: Final = 20.0
"""The heart rate drifts, so longer recordings are searched in sections of about this length."""
MARGIN_S: Final = 2.0
"""Overlap of a section with each of its neighbours."""
MIN_APART_S: Final = 0.1
"""Onsets closer than this are one: two sections may find a beat at their border at slightly other times."""
OUTSIDE_FRAMES: Final = 2
"""Frames before the first and after the last one in which an onset still counts."""
FIRST_BOUNDARY_S: Final = (HEART_LOG_MEL.n_fft - HEART_LOG_MEL.hop_length) / 2 / HEART_LOG_MEL.sample_rate
"""Time at which the audio begins that lies closest to the first frame."""


@dataclass(frozen=True, slots=True)
class HeartCycle:
    """Heart sounds and heart rate of a recording."""

    s1_s: tuple[float, ...]
    """Onsets of S1 in seconds from the start of the recording; () when not certain enough."""
    s2_s: tuple[float, ...]
    """Onsets of S2 in seconds."""
    heart_rate_bpm: float | None
    """30..220; None when not certain enough."""
    certainty: float
    """0..1: autocorrelation of the cycle times the mean probability of the states found."""


def find_heart_cycle(probabilities: Float32Array, threshold: float) -> HeartCycle:
    """Return the heart cycle of a recording with state probabilities (frames, 4).

    Without onsets and rate when its certainty is below `threshold`.
    """
    cycles = [
        _search_section(probabilities, *section, threshold) for section in _sections(len(probabilities))
    ]
    certainty = median(each.certainty for each in cycles)
    rates = [each.heart_rate_bpm for each in cycles if each.heart_rate_bpm is not None]
    if certainty < threshold or not rates:
        return HeartCycle((), (), None, certainty)
    s1_s = _merged(onset for each in cycles for onset in each.s1_s)
    s2_s = _merged(onset for each in cycles for onset in each.s2_s)
    return HeartCycle(s1_s, s2_s, median(rates), certainty)


def _sections(frames: int) -> Iterator[tuple[int, int]]:
    """Return the first frame of each section and the frame after its last one."""
    count = round(frames / (SECTION_S * segmentation.FRAMES_PER_S))
    if count < 2:  # noqa: PLR2004 - a single section
        return iter([(0, frames)])
    edges = np.linspace(0, frames, count + 1).round().astype(int).tolist()
    return pairwise(edges)


def _search_section(probabilities: Float32Array, start: int, end: int, threshold: float) -> HeartCycle:
    """Return the beats that begin in frames `[start, end)`."""
    margin = round(MARGIN_S * segmentation.FRAMES_PER_S)
    first = max(0, start - margin)
    nearby = probabilities[first : end + margin]
    cycle, strength = heart_rate.find_cycle(nearby, FIRST_PEAK)
    bpm = 60 * segmentation.FRAMES_PER_S / cycle if cycle else 0.0
    if not heart_rate.MIN_BPM <= bpm <= heart_rate.MAX_BPM:
        return HeartCycle((), (), None, 0.0)
    beats = segmentation.find_beats(nearby, cycle)
    states = beats.states(len(nearby))
    certainty = strength * float(nearby[np.arange(len(nearby)), states].mean())
    if certainty < threshold:
        return HeartCycle((), (), None, certainty)
    # Half a frame of audio lies before the first boundary and after the last one.
    lowest = start if start else -OUTSIDE_FRAMES
    highest = end if end < len(probabilities) else end + OUTSIDE_FRAMES

    def onsets_s(first_frames: segmentation.Frames, state: int) -> tuple[float, ...]:
        at = first + segmentation.refine_onsets(nearby, first_frames, state)
        at = at[(at >= lowest) & (at < highest)]
        return tuple((FIRST_BOUNDARY_S + at / segmentation.FRAMES_PER_S).tolist())

    return HeartCycle(onsets_s(beats.s1, S1), onsets_s(beats.s2, S2), bpm, certainty)


def _merged(onsets_s: Iterable[float]) -> tuple[float, ...]:
    """Return onsets in seconds without those that two sections both found."""
    merged: list[float] = []
    for onset in onsets_s:
        if not merged or onset - merged[-1] >= MIN_APART_S:
            merged.append(onset)
    return tuple(merged)
