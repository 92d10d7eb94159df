"""S1, S2 and the heart rate of a recording, found in the probabilities of its frames.

The network of `inference.heart_segmenter` gives each frame its probabilities of S1, systole, S2 and diastole.
The period with which they repeat is the heart rate; `segmentation` finds the beats.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from edge_worker.signal import heart_rate, segmentation
from edge_worker.signal.features import HEART_LOG_MEL, Float32Array

LABELS: Final = ("S1", "systole", "S2", "diastole")
S1: Final = 0
S2: Final = 2
FIRST_PEAK: Final = 0.75
"""See `heart_rate.FIRST_PEAK`; a systole is no cycle to probabilities, which know S1 from S2."""
STRETCH_S: Final = 20.0
"""A heart changes its rate: longer sound is searched in stretches of about this length."""
MARGIN_S: Final = 2.0
"""What a stretch hears of its neighbours."""
MIN_APART_S: Final = 0.1
"""Two stretches may both find the beat between them, not quite at the same place."""
OUTSIDE_FRAMES: Final = 2
FIRST_BOUNDARY_S: Final = (HEART_LOG_MEL.n_fft - HEART_LOG_MEL.hop_length) / 2 / HEART_LOG_MEL.sample_rate
"""Where the part of the sound begins that is closest to the first frame."""


@dataclass(frozen=True, slots=True)
class HeartCycle:
    """What was found of the beating in a recording."""

    s1_s: tuple[float, ...]
    """Where each S1 begins, seconds from the start of the recording; () where nothing is certain."""
    s2_s: tuple[float, ...]
    """Where each S2 begins."""
    heart_rate_bpm: float | None
    """30..220; None: not certain enough."""
    certainty: float
    """0..1: how well the cycle repeats, times how sure the network is of the states that were found."""


def find_heart_cycle(probabilities: Float32Array, threshold: float) -> HeartCycle:
    """Return what probabilities (frames, 4) say of a recording; certainty below `threshold` finds nothing."""
    found = [_searched(probabilities, *stretch, threshold) for stretch in _stretches(len(probabilities))]
    certainty = median(each.certainty for each in found)
    rates = [each.heart_rate_bpm for each in found if each.heart_rate_bpm is not None]
    if certainty < threshold or not rates:
        return HeartCycle((), (), None, certainty)
    s1_s = _apart(mark for each in found for mark in each.s1_s)
    s2_s = _apart(mark for each in found for mark in each.s2_s)
    return HeartCycle(s1_s, s2_s, median(rates), certainty)


def _stretches(frames: int) -> Iterator[tuple[int, int]]:
    count = round(frames / (STRETCH_S * segmentation.FRAMES_PER_S))
    if count < 2:  # noqa: PLR2004 - one whole
        return iter([(0, frames)])
    edges = np.linspace(0, frames, count + 1).round().astype(int).tolist()
    return pairwise(edges)


def _searched(probabilities: Float32Array, start: int, end: int, threshold: float) -> HeartCycle:
    """Return the beats that begin in the frames from `start` to `end`."""
    margin = round(MARGIN_S * segmentation.FRAMES_PER_S)
    first = max(0, start - margin)
    heard = probabilities[first : end + margin]
    cycle, strength = heart_rate.find_cycle(heard, FIRST_PEAK)
    bpm = 60 * segmentation.FRAMES_PER_S / cycle if cycle else 0.0
    if not heart_rate.MIN_BPM <= bpm <= heart_rate.MAX_BPM:
        return HeartCycle((), (), None, 0.0)
    beats = segmentation.find_beats(heard, cycle)
    states = beats.states(len(heard))
    certainty = strength * float(heard[np.arange(len(heard)), states].mean())
    if certainty < threshold:
        return HeartCycle((), (), None, certainty)
    # Half a frame's sound lies before the first boundary and after the last one.
    begin = start if start else -OUTSIDE_FRAMES
    stop = end if end < len(probabilities) else end + OUTSIDE_FRAMES

    def marks_s(begins: segmentation.Frames, state: int) -> tuple[float, ...]:
        at = first + segmentation.refine_onsets(heard, begins, state)
        at = at[(at >= begin) & (at < stop)]
        return tuple((FIRST_BOUNDARY_S + at / segmentation.FRAMES_PER_S).tolist())

    return HeartCycle(marks_s(beats.s1, S1), marks_s(beats.s2, S2), bpm, certainty)


def _apart(marks: Iterable[float]) -> tuple[float, ...]:
    """Return marks in seconds without those that two stretches both found."""
    kept: list[float] = []
    for mark in marks:
        if not kept or mark - kept[-1] >= MIN_APART_S:
            kept.append(mark)
    return tuple(kept)
