"""Slow motion of a spectrogram, and the way back to the time of the recording."""

import numpy as np
import pytest

from edge_worker.inference import slow_motion
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.heart_cycle import FIRST_BOUNDARY_S, HeartCycle
from edge_worker.signal.windowing import slowed

FRAME_S = 0.02


def test_frames_are_interpolated_and_the_ends_stay() -> None:
    frames = np.array([[0, 10], [2, 20], [4, 0]], dtype=np.float32)

    slower = slowed(frames, 2)

    assert slower.tolist() == [[0, 10], [1, 15], [2, 20], [3, 10], [4, 0]]
    assert slower.dtype == np.float32


@pytest.mark.parametrize("frames", [0, 1, 2])
@pytest.mark.parametrize("factor", slow_motion.FACTORS)
def test_very_short_spectrograms_are_accepted(frames: int, factor: float) -> None:
    slower = slowed(np.ones((frames, 3), dtype=np.float32), factor)

    assert np.array_equal(slower, np.ones((len(slower), 3)))
    assert frames <= len(slower) <= 3


@pytest.mark.parametrize("factor", slow_motion.FACTORS)
def test_what_is_found_slowed_lies_where_it_was(factor: float) -> None:
    """A level that rises over time tells at which time a slowed frame was recorded."""
    middle_s = FIRST_BOUNDARY_S + FRAME_S * (np.arange(100, dtype=np.float32) + 0.5)
    slower = slowed(middle_s[:, np.newaxis], factor)[:, 0]
    found_s = tuple((FIRST_BOUNDARY_S + FRAME_S * (np.arange(len(slower)) + 0.5)).tolist())

    cycle = slow_motion.at_speed(HeartCycle(found_s, found_s[::2], 120.0, 0.8), factor)

    assert cycle.s1_s == pytest.approx(slower.tolist(), abs=1e-4)
    assert cycle.s2_s == pytest.approx(slower[::2].tolist(), abs=1e-4)
    assert (cycle.heart_rate_bpm, cycle.certainty) == (120 * factor, 0.8)


def test_nothing_found_stays_nothing() -> None:
    nothing = HeartCycle((), (), None, 0.2)

    assert slow_motion.at_speed(nothing, 1.5) == nothing
    assert not slow_motion.is_fast(nothing, np.zeros((200, 40), dtype=np.float32))


def beats(cycle: int, s2: float) -> Float32Array:
    """Return 8 s in dB: a beat every `cycle` frames, and midway a second sound that is `s2` dB softer."""
    frames = np.full((400, 40), -60, dtype=np.float32)
    for first in range(0, 396, cycle):
        frames[first : first + 3] = -20
        frames[first + cycle // 2 : first + cycle // 2 + 3] = -20 - s2
    return frames


def test_a_systole_that_repeats_is_not_taken_for_a_cycle() -> None:
    """Beats every 0.6 s with a softer second sound in the middle: 100 bpm, not 200."""
    twice = HeartCycle((), (), 200.0, 0.6)

    assert not slow_motion.is_fast(twice, beats(30, s2=10))
    assert slow_motion.is_fast(twice, beats(30, s2=0)), "equal sounds may be either, and are believed"


@pytest.mark.parametrize(("bpm", "fast"), [(139, False), (140, True), (220, True), (221, False)])
def test_rates_outside_of_the_range_are_not_believed(bpm: float, fast: bool) -> None:
    frames = np.full((400, 40), -60, dtype=np.float32)
    frames[(np.arange(400) % (3000 / bpm)) < 3] = -20

    assert slow_motion.is_fast(HeartCycle((), (), bpm, 0.6), frames) == fast


def test_slow_motion_is_for_what_is_not_certain() -> None:
    assert slow_motion.may_be_fast(HeartCycle((), (), None, 0.3))
    assert slow_motion.may_be_fast(HeartCycle((), (), 75.0, 0.4))
    assert not slow_motion.may_be_fast(HeartCycle((), (), 75.0, 0.8))
