"""A recipe that trains in seconds: is a noise louder in the lower or in the upper bands?"""

from typing import Final

from models_tflite.training.recipes.recipe import Recipe

RECIPE: Final = Recipe(
    model="pitch",
    version="0",
    labels=("low", "high"),
    gather=lambda _data: iter(()),
    evaluated_on="",
    facts={},
    epochs=2,
    steps_per_epoch=120,  # weights are averaged over the last hundred or so
    batch_size=16,
    widths=(8, 16, 16),
)
