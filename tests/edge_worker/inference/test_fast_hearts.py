"""Hearts from 140 to 220 bpm, as newborns have: the shipped model finds them, and none in slower ones."""

from pathlib import Path

import numpy as np
import pytest

from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import Finding, HeartSound, heart_sound

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000
SEEDS = range(3)


@pytest.fixture(scope="module")
def segmenter() -> HeartSegmenter:
    return HeartSegmenter.load(MODELS)


def signal_of(heart: HeartSound) -> Signal:
    return Signal(heart.samples, heart.sample_rate)


def matched(detected: tuple[float, ...], true: tuple[float, ...]) -> float:
    """Return the share of true onsets that have a detected one within 60 ms."""
    return float((np.abs(np.subtract.outer(true, detected)).min(axis=1) < 0.06).mean())


@pytest.mark.parametrize("bpm", [160, 190, 215])
@pytest.mark.parametrize("finding", ["normal", "murmur", "third-sound"])
def test_a_newborns_heart_has_a_rate_and_onsets(
    segmenter: HeartSegmenter, finding: Finding, bpm: float
) -> None:
    for seed in SEEDS:
        heart = heart_sound(finding, bpm, 8, RATE, seed)

        cycle = segmenter.segment(signal_of(heart))

        assert cycle.heart_rate_bpm == pytest.approx(bpm, abs=5)
        assert min(matched(cycle.s1_s, heart.s1_s), matched(cycle.s2_s, heart.s2_s)) > 0.9
        assert len(cycle.s1_s) == pytest.approx(len(heart.s1_s), abs=2)


@pytest.mark.parametrize("bpm", [160, 190, 215])
def test_a_newborns_heart_is_a_heartbeat_of_good_quality(bpm: float) -> None:
    for seed in SEEDS:
        assert quality.assess(signal_of(heart_sound("normal", bpm, 8, RATE, seed))).usable


@pytest.mark.parametrize("bpm", [45, 72, 100, 130])
@pytest.mark.parametrize("finding", ["normal", "third-sound"])
def test_a_slower_heart_is_not_heard_twice_as_fast(
    segmenter: HeartSegmenter, finding: Finding, bpm: float
) -> None:
    for seed in SEEDS:
        cycle = segmenter.segment(signal_of(heart_sound(finding, bpm, 8, RATE, seed)))

        assert cycle.heart_rate_bpm == pytest.approx(bpm, abs=3)


def test_a_heart_above_the_range_gets_no_wrong_rate(segmenter: HeartSegmenter) -> None:
    heart = heart_sound("normal", 200, 8, RATE, 0)

    cycle = segmenter.segment(Signal(heart.samples, round(RATE * 1.25)))

    assert cycle.heart_rate_bpm is None
    assert cycle.s1_s == cycle.s2_s == ()
