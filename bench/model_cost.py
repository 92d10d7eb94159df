"""Processor time of one window through each shipped model, from samples to probabilities; and the same
window through librosa's features alone."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from bench.progress import steps
from edge_worker.classifier import Classifier
from edge_worker.features import Float32Array, LogMelParameters, windows
from edge_worker.model_shelf import ModelShelf

ROUNDS: Final = 200
WARM_UP: Final = 20


def measure(models_dir: Path) -> dict[str, float]:
    """Return, for each model, milliseconds a window and how many of them librosa's features alone take."""
    figures: dict[str, float] = {}
    for model in steps(ModelShelf(models_dir, models_dir).classifiers(), "models"):
        classifier = Classifier.load(models_dir, model)
        ours, librosas = _window_ms(classifier), _librosa_ms(classifier)
        figures[f"window_ms_{model}"] = ours
        if librosas is not None:
            figures[f"window_ratio_librosa_{model}"] = librosas / ours
    return figures


def _window_ms(classifier: Classifier) -> float:
    """Return the time of features and network for one window of noise at the model's own rate."""
    card = classifier.card
    samples = _noise(card.window_s, card.features.sample_rate)

    def once() -> None:
        frames = card.features.of(samples)
        classifier.probabilities(windows(frames, card.window_frames, card.hop_frames, card.pad)[:1])

    return _milliseconds(once)


def _librosa_ms(classifier: Classifier) -> float | None:
    """Return the time of the same mel spectrogram in librosa; None for features that it does not have."""
    import librosa  # noqa: PLC0415 - seconds to import

    features = classifier.card.features
    if not isinstance(features, LogMelParameters):
        return None
    samples = _noise(classifier.card.window_s, features.sample_rate)

    def once() -> None:
        power = librosa.feature.melspectrogram(
            y=samples,
            sr=features.sample_rate,
            n_fft=features.n_fft,
            hop_length=features.hop_length,
            n_mels=features.n_mels,
            fmin=features.fmin,
            fmax=features.fmax,
            center=False,
        )
        librosa.power_to_db(power)

    return _milliseconds(once)


def _noise(seconds: float, rate: int) -> Float32Array:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)


def _milliseconds(once: Callable[[], None]) -> float:
    """Return the median processor time of a call."""
    taken = []
    for _ in range(WARM_UP + ROUNDS):
        started = time.process_time()
        once()
        taken.append(time.process_time() - started)
    return 1000 * float(np.median(taken[WARM_UP:]))
