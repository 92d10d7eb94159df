"""The int8 file of a trained network, as it ships."""

import keras

from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks import conversion, heart_network
from models_tflite.training.networks.batches import corpus_windows
from models_tflite.training.recipes.recipe import Recipe


def to_file(model: keras.Model, corpus: Corpus, recipe: Recipe) -> bytes:
    """Return a trained network as .tflite file, its ranges from the recordings that it was trained on.

    With the states of the heart cycle as a second output where the recipe is for unfamiliar devices, too.
    """
    if recipe.contrasts:
        model = heart_network.with_states_output(model)
    return conversion.to_int8(model, conversion.representative(corpus_windows(corpus, recipe)[0]))
