"""Heart sound segmentation: onsets of S1, systole, S2 and diastole from their probability in each frame.

An explicit-duration Viterbi search (D. B. Springer et al., IEEE Trans. Biomed. Eng. 63(4), 2016, on the
probabilities of a network as F. Renna et al., IEEE JBHI 23(6), 2019): the four states follow each other
cyclically, and each lasts about as long as in a heart of this rate. As their order is fixed, the search is a
sequence of sliding maxima, one per state, and advances by one shortest cycle at a time.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array, sliding_windows
from edge_worker.signal.log_mel import HEART_LOG_MEL

Scores = npt.NDArray[np.float64]
Frames = npt.NDArray[np.intp]

FRAMES_PER_S: Final = HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length
MIN_PROBABILITY: Final = 0.02
"""Lower limit of a probability, so that a single knock does not break a rhythm."""
DURATION_WEIGHT: Final = 2.0
"""Weight of a duration against the evidence of frames, which overlap and are therefore not independent."""
CYCLE: Final = (0.78, 1.3)
"""Shortest and longest cycle of a recording, as fractions of the typical one."""
CYCLE_SPREAD: Final = 0.06
"""Standard deviation of a cycle, as a fraction of the typical length."""
SOUND_S: Final = (0.05, 0.18)
"""Shortest and longest S1 or S2."""
S1_S: Final = 0.12
S2_S: Final = 0.10
SOUND_SPREAD_S: Final = 0.025
S1_TO_S2: Final = (0.125, 0.22)
"""Time from S1 to S2: a constant in seconds, plus a fraction of the cycle."""
S1_TO_S2_SPREAD_S: Final = 0.03
ONSET_FRAMES: Final = 2
"""Frames on either side of an onset that place it between two frames."""
IMPOSSIBLE: Final = -1e9


class DurationModel(NamedTuple):
    """Log-likelihood of durations between two limits."""

    shortest: int
    """Frames."""
    scores: Scores
    """Log-likelihood of `shortest`, `shortest` + 1, … frames."""

    @property
    def longest(self) -> int:
        """Frames."""
        return self.shortest + len(self.scores) - 1


@dataclass(frozen=True, slots=True)
class Beats:
    """First frame of each state per cycle, (cycles,) each; the outer ones may lie outside the recording."""

    s1: Frames
    systole: Frames
    s2: Frames
    diastole: Frames

    def states(self, frames: int) -> Frames:
        """Return the state of each frame, (frames,): 0 S1, 1 systole, 2 S2, 3 diastole."""
        onsets = np.stack((self.s1, self.systole, self.s2, self.diastole), axis=1).ravel()
        onsets = np.maximum.accumulate(onsets)  # a short cycle may leave no room for its diastole
        state: Frames = (np.searchsorted(onsets, np.arange(frames), side="right") - 1) % 4
        return state


def find_beats(probabilities: Float32Array, cycle: float) -> Beats:
    """Return the most likely beats for probabilities (frames, 4) and a typical cycle of `cycle` frames."""
    cycles = _cycle_duration(cycle)
    outside = cycles.longest
    # Frames outside the recording carry no evidence: a cycle may begin before it and end after it.
    evidence = np.zeros((outside + 1 + len(probabilities) + outside, probabilities.shape[1]))
    inside = evidence[outside + 1 : outside + 1 + len(probabilities)]
    np.log(np.maximum(probabilities, MIN_PROBABILITY, dtype=np.float64), out=inside)
    s1, systole, s2, diastole = np.cumsum(evidence, axis=0).T
    from_s1, s1_length = _best(s1 - systole, _sound_duration(S1_S))
    from_s2, s2_length = _best(s2 - diastole, _sound_duration(S2_S))
    gain, until_s2 = _best(systole - s2 + from_s2, _s1_to_s2_duration(cycle))
    first = _chain(from_s1 + gain - s1, diastole, cycles)
    second = first + until_s2[first]
    return Beats(
        first - outside,
        first + s1_length[first] - outside,
        second - outside,
        second + s2_length[second] - outside,
    )


def refine_onsets(probabilities: Float32Array, begins: Frames, state: int) -> Scores:
    """Return the onsets of a state with a resolution below one frame, (cycles,).

    An onset is placed where as much probability of the state lies before it as is missing after it. `begins`
    (cycles,) are the first frames; those at the very ends of probabilities (frames, 4) are not changed.
    """
    before = probabilities[:, state - 1]
    share = before / (before + probabilities[:, state])
    inside = (begins >= ONSET_FRAMES) & (begins <= len(share) - ONSET_FRAMES)
    at = begins.astype(np.float64)
    around = begins[inside, np.newaxis] + np.arange(-ONSET_FRAMES, ONSET_FRAMES)
    at[inside] += share[around].sum(axis=1) - ONSET_FRAMES
    return at


def _chain(gain: Scores, diastole: Scores, cycles: DurationModel) -> Frames:
    """Return the first frames of the cycles of the best chain.

    `gain` (frames,) is the score of a cycle that begins at a frame, without its `diastole`, whose score is
    known at its end. The first cycle begins before the recording and the last ends after it, within the
    margin of one longest cycle on either side. No cycle is shorter than the shortest, so that as many frames
    are decided in one step.
    """
    frames, step, longest = len(gain), cycles.shortest, cycles.longest
    length = np.zeros(frames, dtype=np.intp)
    ended = np.full(frames, IMPOSSIBLE)  # score of the best chain that ends here
    begun = np.full(longest + frames, IMPOSSIBLE)  # and of one more cycle from here, shifted by `longest`
    begun[longest : 2 * longest + 1] = gain[: longest + 1]
    # Row t: starts of the cycles of each length that end t frames after the first.
    each = np.arange(step)
    starts_of = each[:, np.newaxis] + longest - np.arange(step, longest + 1)
    for start in range(longest + 1, frames, step):
        some = slice(start, min(start + step, frames))
        count = some.stop - start
        sums = begun[starts_of[:count] + start] + cycles.scores
        chosen = sums.argmax(axis=1)
        ended[some] = diastole[some] + sums[each[:count], chosen]
        length[some] = step + chosen
        begun[longest + start : longest + some.stop] = ended[some] + gain[some]
    at = frames - 1 - longest
    at += int(ended[at:].argmax())
    begins = []
    while length[at]:
        at -= int(length[at])
        begins.append(at)
    return np.array(begins[::-1], dtype=np.intp)


def _best(values: Scores, duration: DurationModel) -> tuple[Scores, Frames]:
    """Return the best of `values` (frames,) one duration later, with its score, and that duration."""
    later = np.concatenate((values[duration.shortest :], np.full(duration.longest, IMPOSSIBLE)))
    sums = sliding_windows(later, len(values), len(duration.scores), 1) + duration.scores
    chosen = sums.argmax(axis=1)
    return sums[np.arange(len(values)), chosen], chosen + duration.shortest


def _cycle_duration(typical: float) -> DurationModel:
    return _normal(typical, CYCLE_SPREAD * typical, CYCLE[0] * typical, CYCLE[1] * typical)


@lru_cache(maxsize=4)
def _sound_duration(typical_s: float) -> DurationModel:
    return _normal(*(FRAMES_PER_S * seconds for seconds in (typical_s, SOUND_SPREAD_S, *SOUND_S)))


def _s1_to_s2_duration(cycle: float) -> DurationModel:
    typical, spread = S1_TO_S2[0] * FRAMES_PER_S + S1_TO_S2[1] * cycle, S1_TO_S2_SPREAD_S * FRAMES_PER_S
    latest = CYCLE[0] * cycle - SOUND_S[0] * FRAMES_PER_S
    return _normal(typical, spread, typical - 3 * spread, min(typical + 3 * spread, latest))


def _normal(typical: float, spread: float, shortest: float, longest: float) -> DurationModel:
    """Return a normal distribution of durations in frames, cut at its limits."""
    first = max(1, round(shortest))
    frames = np.arange(first, max(first, round(longest)) + 1)
    return DurationModel(first, -0.5 * DURATION_WEIGHT * np.square((frames - typical) / spread))
