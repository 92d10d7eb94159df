"""The recipes by model name."""

import importlib
from typing import Final

from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.recipe import Recipe

MODELS: Final = ("heart2", "heart5", "digits", "esc50", "us8k", "emotion")


def recipe_of(model: str) -> Recipe:
    """Return the recipe of a model; raise TrainingError when there is none."""
    if model not in MODELS:
        raise TrainingError(f"there is no recipe for {model}: choose one of {', '.join(MODELS)}")
    recipe: Recipe = importlib.import_module(f"models_tflite.training.recipes.{model}").RECIPE
    return recipe
