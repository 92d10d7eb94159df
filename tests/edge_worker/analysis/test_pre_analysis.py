"""Analysis of a recording before any model classifies it."""

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
    analysis = PreAnalysis.of(beating(70), [HEART], segmenter)

    assert analysis.usable(HEART)
    assert analysis.heart_rate_bpm == pytest.approx(70, abs=2)
    assert analysis.heart_sounds is not None
    assert np.diff(analysis.heart_sounds.s1_s) == pytest.approx(60 / 70, abs=0.05)
    assert len(analysis.heart_sounds.s2_s) >= 5


def test_a_sound_without_heartbeat_is_usable_for_models_of_any_sound(
    segmenter: HeartSegmenter,
) -> None:
    analysis = PreAnalysis.of(ringing(), [HEART, SOUND], segmenter)

    assert (analysis.heart_rate_bpm, analysis.heart_sounds) == (None, None)
    assert "no_heartbeat" in analysis.quality.reasons
    assert not analysis.usable(HEART)
    assert analysis.usable(SOUND)


def test_a_heartbeat_is_searched_for_only_when_a_model_needs_one(segmenter: HeartSegmenter) -> None:
    analysis = PreAnalysis.of(beating(70), [SOUND], segmenter)

    assert analysis.quality.usable
    assert analysis.quality.score is None
    assert analysis.heart_rate_bpm is None
    assert PreAnalysis.of(ringing(), [SOUND], segmenter).quality.reasons == ()


def test_a_card_names_the_domain_of_its_model() -> None:
    document = json.loads((MODELS / "heart5.json").read_text())

    assert ModelCard.parse(json.dumps(document | {"hears": "sound"})).domain == "sound"
    with pytest.raises(ValueError, match="hears"):
        ModelCard.parse(json.dumps(document | {"hears": "music"}))
