"""What is heard of a recording before any model labels it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.model_card import ModelCard
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import heart_sound

MODELS = Path(__file__).parents[3] / "models_tflite"
HEART = ModelCard.parse((MODELS / "heart5.json").read_text())
SOUND = replace(HEART, domain="sound")
RATE = 4000


@pytest.fixture(scope="module")
def segmenter() -> HeartSegmenter:
    return HeartSegmenter.load(MODELS)


def beating(bpm: float) -> Signal:
    samples = heart_sound("normal", bpm, 6.0, RATE, 1).samples
    return Signal(np.asarray(samples, dtype=np.float32), RATE)


def ringing() -> Signal:
    time = np.arange(3 * 16_000) / 16_000
    return Signal((0.3 * np.sin(2 * np.pi * 3000 * time)).astype(np.float32), 16_000)


def test_a_heart_has_a_rate_and_marks(segmenter: HeartSegmenter) -> None:
    found = PreAnalysis.listen(beating(70), [HEART], segmenter)

    assert found.usable(HEART)
    assert found.heart_rate_bpm == pytest.approx(70, abs=2)
    assert found.heart_sounds is not None
    assert np.diff(found.heart_sounds.s1_s) == pytest.approx(60 / 70, abs=0.05)
    assert len(found.heart_sounds.s2_s) >= 5


def test_what_is_no_heart_has_neither_and_is_usable_for_models_of_any_sound(
    segmenter: HeartSegmenter,
) -> None:
    found = PreAnalysis.listen(ringing(), [HEART, SOUND], segmenter)

    assert (found.heart_rate_bpm, found.heart_sounds) == (None, None)
    assert "no_heartbeat" in found.quality.reasons
    assert not found.usable(HEART)
    assert found.usable(SOUND)


def test_nobody_looks_for_a_heart_that_no_model_asks_for(segmenter: HeartSegmenter) -> None:
    found = PreAnalysis.listen(beating(70), [SOUND], segmenter)

    assert found.quality.usable
    assert found.quality.score is None
    assert found.heart_rate_bpm is None
    assert PreAnalysis.listen(ringing(), [SOUND], segmenter).quality.reasons == ()


def test_a_card_says_what_a_model_hears() -> None:
    document = json.loads((MODELS / "heart5.json").read_text())

    assert ModelCard.parse(json.dumps(document | {"hears": "sound"})).domain == "sound"
    with pytest.raises(ValueError, match="hears"):
        ModelCard.parse(json.dumps(document | {"hears": "music"}))
