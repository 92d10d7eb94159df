"""The search for beats: against the plain form of the same method, and on what cannot be missed."""

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


def ring(lengths: list[tuple[int, int, int, int]], doubt: float = 0.1) -> Float32Array:
    """Return probabilities of cycles whose states last so many frames."""
    state = np.repeat(np.tile(np.arange(STATES), len(lengths)), np.ravel(lengths))
    sure = np.full((len(state), STATES), doubt / STATES, dtype=np.float32)
    sure[np.arange(len(state)), state] += 1 - doubt
    return sure


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(
        st.tuples(st.integers(5, 7), st.integers(6, 8), st.integers(4, 6), st.integers(16, 20)),
        min_size=2,
        max_size=12,
    )
)
def test_clear_beats_are_found(lengths: list[tuple[int, int, int, int]]) -> None:
    probabilities = ring(lengths)
    begins = np.concatenate(([0], np.cumsum(lengths)))[:-1].reshape(-1, STATES)
    cycle = float(np.median(np.sum(lengths, axis=1)))
    # Less regular hearts are found as well, but single onsets may be two frames off.
    assume(all(abs(sum(each) - cycle) <= 2 * segmentation.CYCLE_SPREAD * cycle for each in lengths))

    found = segmentation.find_beats(probabilities, cycle)

    inside = (found.s1 > 1) & (found.s1 < len(probabilities) - 1)
    assert found.s1[inside] == pytest.approx(begins[1:, 0], abs=1)
    assert found.s2[(found.s2 >= 0) & (found.s2 < len(probabilities))] == pytest.approx(begins[:, 2], abs=1)
    agree = found.states(len(probabilities)) == probabilities.argmax(axis=1)
    assert agree.mean() > 0.9


def score(begins: Frames, evidence: Float64Array, cycle: float) -> float:
    """Return what the model says of cycles that begin so, (cycles, 4), in log probabilities (frames, 4)."""

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
            # A diastole without room ends before it begins: what was counted twice is taken back.
            sign = 1 if stop >= start else -1
            inside = slice(*np.clip(sorted((start, stop)), 0, len(evidence)))
            total += sign * float(evidence[inside, state].sum())
    return total


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cycle=st.floats(22, 60))
def test_no_beat_would_be_better_elsewhere(seed: int, cycle: float) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(STATES, 0.3), 200).astype(np.float32)
    evidence = np.log(np.maximum(probabilities, segmentation.MIN_PROBABILITY, dtype=np.float64))

    found = segmentation.find_beats(probabilities, cycle)

    begins = np.stack((found.s1, found.systole, found.s2, found.diastole), axis=1)
    best = score(begins, evidence, cycle)
    assert np.isfinite(best)
    for which in np.ndindex(len(begins) - 1, STATES):
        for frames in (-3, -1, 1, 3):
            moved = begins.copy()
            moved[which] += frames
            assert moved[0, 0] > 0 or score(moved, evidence, cycle) <= best + 1e-6


@pytest.mark.parametrize("frames", [1, 5, 30])
@pytest.mark.parametrize("cycle", [13.7, 40.0, 99.0])
def test_less_than_a_cycle_is_no_error(frames: int, cycle: float) -> None:
    found = segmentation.find_beats(np.full((frames, STATES), 0.25, dtype=np.float32), cycle)

    assert found.s1[0] <= 0 < found.states(frames).size


def test_a_state_begins_between_frames() -> None:
    """Half of frame 10 is S1 already, and none of frame 9."""
    probabilities = np.zeros((20, STATES), dtype=np.float32)
    probabilities[:10, 3], probabilities[11:, 0] = 1, 1
    probabilities[10] = (0.5, 0, 0, 0.5)

    assert segmentation.refine_onsets(probabilities, np.array([10, 11, 1, 19]), 0) == pytest.approx(
        [10.5, 10.5, 1, 19]
    )
