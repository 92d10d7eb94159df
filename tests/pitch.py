"""A recipe that trains in seconds: is a noise louder in the lower or in the upper bands?"""

from typing import Final

from models_tflite.training.recipes.recipe import Recipe

RECIPE: Final = Recipe(
    model="pitch",
    version="0",
    labels=("low", "high"),
    gather=lambda _data: iter(()),
    judged_on="",
    facts={},
    epochs=2,
    steps=120,  # weights are averaged over the last hundred or so
    batch=16,
    widths=(8, 16, 16),
)
