"""Regression check of a shipped model on a fixed few recordings, run by the tests where the datasets are.

The model was trained on most of them: this guards against a broken file, feature or runtime and says nothing
about new patients, which is what the card's figures are for.
"""

from pathlib import Path
from typing import Any, Final

from edge_worker.inference.classifier import Classifier
from models_tflite.evaluation import audio, metrics
from models_tflite.training.corpus.corpus import Recording
from models_tflite.training.recipes.recipe import Recipe

ABOUT: Final = 80
"""Number of recordings, about: seconds of a test run."""


def recordings(recipe: Recipe, data: Path, every: int | None = None) -> tuple[list[Recording], int]:
    """Return every `every`-th recording that the recipe is evaluated on, and the step.

    None: about `ABOUT` recordings.
    """
    available = recipe.evaluation_recordings(data)
    step = every or max(1, len(available) // ABOUT)
    return sorted(available, key=lambda recording: recording.path.as_posix())[::step], step


def count_correct(classifier: Classifier, chosen: list[Recording]) -> int:
    """Return how many recordings get their label."""
    return sum(classifier.classify(audio.read(each.path)).label == each.label for each in chosen)


def record(classifier: Classifier, recipe: Recipe, data: Path) -> dict[str, Any]:
    """Return the card's `check`, which `tests/models_tflite/evaluation/test_recordings.py` compares with."""
    chosen, every = recordings(recipe, data)
    correct = count_correct(classifier, chosen)
    return {
        "every": every,
        "n": len(chosen),
        "accuracy": round(correct / len(chosen), 4),
        "interval": metrics.wilson(correct, len(chosen)),
    }
