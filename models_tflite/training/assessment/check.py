"""A fixed few recordings that a shipped pair is held to, whenever the tests run where the datasets are.

The pair was trained on most of them: this guards against a broken pair, feature or runtime and says nothing
about new patients, which is what the card's figures are for.
"""

from pathlib import Path
from typing import Any, Final

from edge_worker.inference.classifier import Classifier
from models_tflite.evaluation import audio, metrics
from models_tflite.training.corpus.corpus import Recording
from models_tflite.training.recipes.recipe import Recipe

ABOUT: Final = 80
"""Recordings: seconds of a test run."""


def recordings(recipe: Recipe, data: Path, every: int | None = None) -> tuple[list[Recording], int]:
    """Return every so many-th recording that the recipe is judged on, and the step; None: about 80."""
    judged = recipe.evaluation_recordings(data)
    step = every or max(1, len(judged) // ABOUT)
    return sorted(judged, key=lambda recording: recording.path.as_posix())[::step], step


def count_correct(classifier: Classifier, chosen: list[Recording]) -> int:
    """Return how many recordings get their label."""
    return sum(classifier.classify(audio.read(each.path)).label == each.label for each in chosen)


def record(classifier: Classifier, recipe: Recipe, data: Path) -> dict[str, Any]:
    """Return what a card says for `tests/models_tflite/evaluation/test_recordings.py` to hold the pair to."""
    chosen, every = recordings(recipe, data)
    hits = count_correct(classifier, chosen)
    return {
        "every": every,
        "n": len(chosen),
        "accuracy": round(hits / len(chosen), 4),
        "interval": metrics.wilson(hits, len(chosen)),
    }
