"""Processor time of one window through each shipped model, from samples to probabilities.

The baseline is the same window through librosa's features alone.
"""

from pathlib import Path

import numpy as np

from bench.progress import steps
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.signal.log_mel import LogMelParameters
from models_tflite.evaluation import cost


def measure(models_dir: Path) -> dict[str, float]:
    """Return, for each model, milliseconds per window, and their ratio to librosa's features alone."""
    figures: dict[str, float] = {}
    for model in steps(ModelRegistry(models_dir, models_dir).classifiers(), "models"):
        classifier = Classifier.load(models_dir, model)
        spent = cost.measure(classifier, b"")
        ours, librosas = spent["features_ms"] + spent["inference_ms"], _librosa_ms(classifier)
        figures[f"window_ms_{model}"] = ours
        if librosas is not None:
            figures[f"window_ratio_librosa_{model}"] = librosas / ours
    return figures


def _librosa_ms(classifier: Classifier) -> float | None:
    """Return the time of the same mel spectrogram in librosa, ms; None for other features."""
    import librosa  # noqa: PLC0415 - seconds to import

    features = classifier.card.features
    if not isinstance(features, LogMelParameters):
        return None
    length = round(classifier.card.window_s * features.sample_rate)
    samples = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)

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

    return cost.median_ms(once)
