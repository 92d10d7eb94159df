"""Where the states of a heart begin, given how likely each frame is S1, systole, S2 or diastole.

An explicit-duration Viterbi search (D. B. Springer et al., IEEE Trans. Biomed. Eng. 63(4), 2016, on the
probabilities of a network as F. Renna et al., IEEE JBHI 23(6), 2019): the four states follow each other in
a ring, and each lasts about as long as in a heart of this rate. As their order is fixed, the search falls
apart into sliding maxima, one state after the other, and goes through time a shortest cycle at a step.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.signal.features import HEART_LOG_MEL, Float32Array, sliding_windows

Scores = npt.NDArray[np.float64]
Frames = npt.NDArray[np.intp]

FRAMES_PER_S: Final = HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length
MIN_PROBABILITY: Final = 0.02
"""What a state has at least: one knock is not the end of a rhythm."""
DURATION_WEIGHT: Final = 2.0
"""How much a duration counts against the frames, which overlap and say the same thing several times."""
CYCLE: Final = (0.78, 1.3)
"""Shortest and longest cycle of a recording, as fractions of its usual one."""
CYCLE_SPREAD: Final = 0.06
"""Standard deviation of a cycle, as a fraction of its usual length."""
SOUND_S: Final = (0.05, 0.18)
"""Shortest and longest S1 or S2."""
S1_S: Final = 0.12
S2_S: Final = 0.10
SOUND_SPREAD_S: Final = 0.025
UNTIL_S2: Final = (0.125, 0.22)
"""The time from S1 to S2: so many seconds, and so much of a cycle more."""
UNTIL_S2_SPREAD_S: Final = 0.03
REACH: Final = 2
"""Frames on either side that say where between two frames a state begins."""
IMPOSSIBLE: Final = -1e9


class Duration(NamedTuple):
    """How long something lasts."""

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
    """First frame of each state of each cycle, (cycles,) each; the outer ones may lie outside the sound."""

    s1: Frames
    systole: Frames
    s2: Frames
    diastole: Frames

    def states(self, frames: int) -> Frames:
        """Return the state of each frame of the sound, (frames,): 0 S1, 1 systole, 2 S2, 3 diastole."""
        begins = np.stack((self.s1, self.systole, self.s2, self.diastole), axis=1).ravel()
        begins = np.maximum.accumulate(begins)  # a short cycle may leave its diastole no room
        state: Frames = (np.searchsorted(begins, np.arange(frames), side="right") - 1) % 4
        return state


def find_beats(probabilities: Float32Array, cycle: float) -> Beats:
    """Return the likeliest beats for probabilities (frames, 4) and a usual cycle of so many frames."""
    cycles = _cycle(cycle)
    outside = cycles.longest
    # Nothing is known of what is outside, so a cycle may begin before the sound and end after it.
    evidence = np.zeros((outside + 1 + len(probabilities) + outside, probabilities.shape[1]))
    heard = evidence[outside + 1 : outside + 1 + len(probabilities)]
    np.log(np.maximum(probabilities, MIN_PROBABILITY, dtype=np.float64), out=heard)
    s1, systole, s2, diastole = np.cumsum(evidence, axis=0).T
    from_s1, s1_length = _best(s1 - systole, _sound(S1_S))
    from_s2, s2_length = _best(s2 - diastole, _sound(S2_S))
    gain, until_s2 = _best(systole - s2 + from_s2, _until_s2(cycle))
    first = _chain(from_s1 + gain - s1, diastole, cycles)
    second = first + until_s2[first]
    return Beats(
        first - outside,
        first + s1_length[first] - outside,
        second - outside,
        second + s2_length[second] - outside,
    )


def refine_onsets(probabilities: Float32Array, begins: Frames, state: int) -> Scores:
    """Return where a state begins between frames: where as much of it lies before as is missing after.

    `begins` (cycles,) are its first frames; those at the very ends of probabilities (frames, 4) stay.
    """
    before = probabilities[:, state - 1]
    share = before / (before + probabilities[:, state])
    inside = (begins >= REACH) & (begins <= len(share) - REACH)
    at = begins.astype(np.float64)
    around = begins[inside, np.newaxis] + np.arange(-REACH, REACH)
    at[inside] += share[around].sum(axis=1) - REACH
    return at


def _chain(gain: Scores, diastole: Scores, cycles: Duration) -> Frames:
    """Return where the cycles of the best chain begin.

    `gain` (frames,) is what a cycle that begins here brings, but for its last `diastole`, which is known
    where it ends. The first begins before the sound and the last ends after it, in the longest cycle that
    is there on either side. No cycle ends within a shortest one, so that so many frames are decided at once.
    """
    frames, step, longest = len(gain), cycles.shortest, cycles.longest
    length = np.zeros(frames, dtype=np.intp)
    ended = np.full(frames, IMPOSSIBLE)  # the best chain whose last cycle ends here
    begun = np.full(longest + frames, IMPOSSIBLE)  # the same and a cycle that begins here, `longest` later
    begun[longest : 2 * longest + 1] = gain[: longest + 1]
    # Row t: where a cycle of each length began that ends t frames after the first.
    each = np.arange(step)
    places = each[:, np.newaxis] + longest - np.arange(step, longest + 1)
    for start in range(longest + 1, frames, step):
        some = slice(start, min(start + step, frames))
        count = some.stop - start
        sums = begun[places[:count] + start] + cycles.scores
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


def _best(values: Scores, duration: Duration) -> tuple[Scores, Frames]:
    """Return the best of `values` (frames,) a duration later, duration included, and how much later."""
    later = np.concatenate((values[duration.shortest :], np.full(duration.longest, IMPOSSIBLE)))
    sums = sliding_windows(later, len(values), len(duration.scores), 1) + duration.scores
    chosen = sums.argmax(axis=1)
    return sums[np.arange(len(values)), chosen], chosen + duration.shortest


def _cycle(usual: float) -> Duration:
    return _normal(usual, CYCLE_SPREAD * usual, CYCLE[0] * usual, CYCLE[1] * usual)


def _sound(usual_s: float) -> Duration:
    return _normal(*(FRAMES_PER_S * seconds for seconds in (usual_s, SOUND_SPREAD_S, *SOUND_S)))


def _until_s2(cycle: float) -> Duration:
    usual, spread = UNTIL_S2[0] * FRAMES_PER_S + UNTIL_S2[1] * cycle, UNTIL_S2_SPREAD_S * FRAMES_PER_S
    latest = CYCLE[0] * cycle - SOUND_S[0] * FRAMES_PER_S
    return _normal(usual, spread, usual - 3 * spread, min(usual + 3 * spread, latest))


def _normal(usual: float, spread: float, shortest: float, longest: float) -> Duration:
    """Return normally distributed frames within limits."""
    first = max(1, round(shortest))
    frames = np.arange(first, max(first, round(longest)) + 1)
    return Duration(first, -0.5 * DURATION_WEIGHT * np.square((frames - usual) / spread))
