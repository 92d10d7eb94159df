"""Search for beats, compared with a plain form of the same method, and on clear states."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge_worker.signal import segmentation
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.segmentation import DurationModel, Frames

Float64Array = npt.NDArray[np.float64]
STATES = 4


def cycles_of(lengths: list[tuple[int, int, int, int]], uncertainty: float = 0.1) -> Float32Array:
    """Return state probabilities of cycles whose states have these lengths in frames."""
    state = np.repeat(np.tile(np.arange(STATES), len(lengths)), np.ravel(lengths))
    probabilities = np.full((len(state), STATES), uncertainty / STATES, dtype=np.float32)
    probabilities[np.arange(len(state)), state] += 1 - uncertainty
    return probabilities


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(
        st.tuples(st.integers(5, 7), st.integers(6, 8), st.integers(4, 6), st.integers(16, 20)),
        min_size=2,
        max_size=12,
    )
)
def test_clear_beats_are_found(lengths: list[tuple[int, int, int, int]]) -> None:
    probabilities = cycles_of(lengths)
    begins = np.concatenate(([0], np.cumsum(lengths)))[:-1].reshape(-1, STATES)
    cycle = float(np.median(np.sum(lengths, axis=1)))
    # Less regular hearts are beats as well, but single onsets may be two frames off.
    assume(all(abs(sum(each) - cycle) <= 2 * segmentation.CYCLE_SPREAD * cycle for each in lengths))

    beats = segmentation.find_beats(probabilities, cycle)

    inside = (beats.s1 > 1) & (beats.s1 < len(probabilities) - 1)
    assert beats.s1[inside] == pytest.approx(begins[1:, 0], abs=1)
    assert beats.s2[(beats.s2 >= 0) & (beats.s2 < len(probabilities))] == pytest.approx(begins[:, 2], abs=1)
    agree = beats.states(len(probabilities)) == probabilities.argmax(axis=1)
    assert agree.mean() > 0.9


def score(begins: Frames, evidence: Float64Array, cycle: float) -> float:
    """Return the score of cycles with onsets (cycles, 4), given log probabilities (frames, 4)."""

    def of(duration: DurationModel, frames: int) -> float:
        possible = 0 <= frames - duration.shortest < len(duration.scores)
        return float(duration.scores[frames - duration.shortest]) if possible else -np.inf

    until_s2, cycles = segmentation._s1_to_s2_duration(cycle), segmentation._cycle_duration(cycle)
    s1_length, s2_length = (
        segmentation._sound_duration(segmentation.S1_S),
        segmentation._sound_duration(segmentation.S2_S),
    )
    total = 0.0
    for (s1, systole, s2, diastole), (end, *_) in pairwise(begins.tolist()):
        total += of(s1_length, systole - s1) + of(until_s2, s2 - s1) + of(s2_length, diastole - s2)
        total += of(cycles, end - s1)
        for state, (start, stop) in enumerate(pairwise((s1, systole, s2, diastole, end))):
            # A diastole without room ends before it begins: its frames, counted twice, are subtracted.
            sign = 1 if stop >= start else -1
            inside = slice(*np.clip(sorted((start, stop)), 0, len(evidence)))
            total += sign * float(evidence[inside, state].sum())
    return total


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cycle=st.floats(22, 60))
def test_no_moved_onset_scores_higher(seed: int, cycle: float) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(STATES, 0.3), 200).astype(np.float32)
    evidence = np.log(np.maximum(probabilities, segmentation.MIN_PROBABILITY, dtype=np.float64))

    beats = segmentation.find_beats(probabilities, cycle)

    begins = np.stack((beats.s1, beats.systole, beats.s2, beats.diastole), axis=1)
    best = score(begins, evidence, cycle)
    assert np.isfinite(best)
    for which in np.ndindex(len(begins) - 1, STATES):
        for frames in (-3, -1, 1, 3):
            moved = begins.copy()
            moved[which] += frames
            assert moved[0, 0] > 0 or score(moved, evidence, cycle) <= best + 1e-6


@pytest.mark.parametrize("frames", [1, 5, 30])
@pytest.mark.parametrize("cycle", [13.7, 40.0, 99.0])
def test_less_than_a_cycle_is_accepted(frames: int, cycle: float) -> None:
    beats = segmentation.find_beats(np.full((frames, STATES), 0.25, dtype=np.float32), cycle)

    assert beats.s1[0] <= 0 < beats.states(frames).size


def test_onsets_are_refined_between_frames() -> None:
    """Half of frame 10 is S1 already, and none of frame 9."""
    probabilities = np.zeros((20, STATES), dtype=np.float32)
    probabilities[:10, 3], probabilities[11:, 0] = 1, 1
    probabilities[10] = (0.5, 0, 0, 0.5)

    assert segmentation.refine_onsets(probabilities, np.array([10, 11, 1, 19]), 0) == pytest.approx(
        [10.5, 10.5, 1, 19]
    )
