"""Quality features and the scores of the quality model."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_worker.signal import quality_features, quality_model
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import QualityFeatures

RATE = HEART_LOG_MEL.sample_rate
TIME = np.arange(6 * RATE) / RATE
BACKGROUND = 0.001 * np.random.default_rng(0).normal(size=len(TIME))

Samples = npt.NDArray[np.floating[Any]]


def spectrogram(samples: Samples) -> Float32Array:
    return Signal(samples.astype(np.float32), RATE).features(HEART_LOG_MEL)


def features_of(samples: Samples) -> QualityFeatures:
    return quality_features.extract(spectrogram(samples))


def beats(hertz: float, every_s: float = 0.8, decay_s: float = 0.03, jitter_s: float = 0.0) -> Samples:
    """Return decaying tones at a steady rate, and background noise."""
    random = np.random.default_rng(1)
    sound = BACKGROUND.copy()
    for at in np.arange(0.1, 6, every_s):
        after = TIME - at - random.uniform(0, jitter_s)
        sound += np.where(after > 0, np.exp(-after.clip(0) / decay_s) * np.sin(2 * np.pi * hertz * after), 0)
    return 0.3 * sound


def noise() -> Samples:
    return 0.1 * np.random.default_rng(2).normal(size=len(TIME))


LESS_AND_MORE: dict[str, tuple[Callable[[], Samples], Callable[[], Samples]]] = {
    "repeats": (lambda: beats(60, jitter_s=0.5), lambda: beats(60)),
    "smooth": (noise, lambda: beats(60, decay_s=0.1)),
    "busy_low": (lambda: beats(50), noise),
    "busy_middle": (lambda: beats(120), noise),
    "swells": (lambda: beats(120, every_s=1.2), lambda: beats(120, every_s=0.4)),
    "level_low": (lambda: beats(300), lambda: beats(50)),
    "level_middle": (lambda: beats(40), lambda: beats(120)),
    "floor_murmur": (lambda: beats(60), lambda: beats(60) + noise()),
    "skew_low": (noise, lambda: beats(50)),
    "skew_middle": (noise, lambda: beats(120)),
    "with_middle": (noise, lambda: beats(80)),
    "with_high": (noise, lambda: beats(60, decay_s=0.002)),
    "grain": (lambda: beats(60), lambda: 0.1 * np.sign(np.sin(2 * np.pi * 90 * TIME))),
}


@pytest.mark.parametrize("name", QualityFeatures._fields)
def test_a_feature_grows_with_what_it_measures(name: str) -> None:
    less, more = (getattr(features_of(make()), name) for make in LESS_AND_MORE[name])

    assert more > less + 0.2 * quality_model.load_shipped().deviation[QualityFeatures._fields.index(name)]


def test_features_do_not_depend_on_gain() -> None:
    quiet, loud = features_of(0.3 * beats(60)), features_of(beats(60))

    assert tuple(quiet) == pytest.approx(tuple(loud), abs=1e-3)


def test_band_levels_hold_the_power_of_the_spectrogram() -> None:
    frames = spectrogram(noise())

    bands = quality_features.band_levels_db(frames)

    assert bands.shape == (4, len(frames))
    assert (10 ** (bands / 10)).sum(axis=0) == pytest.approx((10 ** (frames / 10)).sum(axis=1), rel=1e-3)


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(4000), np.ones(4000), beats(60)[:500], noise()[:3]]
)
def test_any_sound_has_finite_features(samples: Samples) -> None:
    assert np.isfinite(features_of(samples)).all()


def test_scores_are_logistic_regressions() -> None:
    model = quality_model.QualityModel.parse(
        json.dumps(
            {
                "standard": {name: [3, 2] for name in QualityFeatures._fields},
                "heart": {"bias": 1, "threshold": 0.5, "weights": {"grain": [2, -1]}},
                "clear": {"bias": 0, "threshold": 0.1, "weights": {}},
            }
        )
    )

    sounds = np.array([[4.0], [1e6]]) * np.ones(len(QualityFeatures._fields))
    standard = model.standardised(sounds)

    assert standard[0] == pytest.approx(0.5)
    assert standard[1].max() == 3
    assert model.heart.probabilities(standard)[0] == pytest.approx(1 / (1 + np.exp(-(1 + 2 * 0.5 - 0.25))))
    assert (model.clear.probabilities(standard) == 0.5).all()


def test_a_model_without_a_feature_is_refused() -> None:
    with pytest.raises(KeyError, match="smooth"):
        quality_model.QualityModel.parse('{"standard": {"repeats": [0, 1]}}')
