"""Hearts from 30 to 45 bpm, as athletes and patients with heart block have: their rate, or none."""

from pathlib import Path

import pytest

from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import heart_sound

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000


@pytest.mark.parametrize("bpm", [31, 33, 36, 40, 45])
def test_a_slow_heart_has_its_rate_and_is_of_good_quality(bpm: float) -> None:
    segmenter = HeartSegmenter.load(MODELS)
    for seed in range(3):
        heart = heart_sound("normal", bpm, 15, RATE, seed)
        signal = Signal(heart.samples, RATE)
        assert quality.assess(signal).usable
        assert segmenter.segment(signal).heart_rate_bpm == pytest.approx(bpm, abs=2)


def test_a_heart_at_the_lower_limit_has_its_rate_or_none() -> None:
    segmenter = HeartSegmenter.load(MODELS)
    for seed in range(4):
        said = segmenter.segment(
            Signal(heart_sound("normal", 30, 15, RATE, seed).samples, RATE)
        ).heart_rate_bpm
        assert said is None or said == pytest.approx(30, abs=2)
