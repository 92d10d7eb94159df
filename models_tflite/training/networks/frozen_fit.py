"""Training of the last layer of a network whose others stay as they are, on its int8 embeddings."""

from collections.abc import Callable
from typing import Final

import keras
import numpy as np
from keras import layers
from tqdm import tqdm

from edge_worker.inference.interpreter import ModelInterpreter
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks import conversion, hint_head, softmax_regression, voice_network
from models_tflite.training.networks.batches import TrainingBatches, corpus_windows
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.teachers import voice_encoder

RIDGE: Final = 0.05
"""L2 penalty of the last layer."""


def fit(
    corpus: Corpus, recipe: Recipe, seed: int, title: str, *, on_epoch: Callable[[int], None]
) -> keras.Model:
    """Return the encoder of voices with a last layer trained on all windows of a corpus, and augmented ones.

    They go through the int8 encoder, so that the last layer learns from what it will be given, rounding
    included.

    Raises:
        TrainingError: the encoder is missing.
    """
    encoder = voice_network.build(voice_encoder.load(voice_encoder.ENCODER))
    windows, owner = corpus_windows(corpus, recipe)
    interpreter = ModelInterpreter(conversion.to_int8(encoder, conversion.representative(windows)))
    of_recordings = hint_head.training_targets(corpus, recipe)
    embeddings, targets = [interpreter.run(windows)], [of_recordings[owner]]
    batches = TrainingBatches(corpus, recipe, seed, of_recordings)
    for epoch in tqdm(range(recipe.epochs), title, unit="epoch", disable=None):
        for step in range(recipe.steps_per_epoch):
            augmented, of_augmented = batches[step]
            embeddings.append(interpreter.run(np.asarray(augmented)))
            targets.append(of_augmented)
        batches.on_epoch_end()
        on_epoch(epoch + 1)
    x = np.concatenate(embeddings)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + np.float32(1e-3)
    weights, bias = softmax_regression.fit(
        (x - mean) / deviation, np.concatenate(targets), len(recipe.labels), RIDGE
    )
    # Scaled before the last layer, not in its weights: int8 has one step for all embeddings.
    scaled = encoder.output * (1 / deviation) - mean / deviation
    layer = layers.Dense(recipe.outputs)
    model = keras.Model(encoder.input, layer(scaled))
    layer.set_weights([weights, bias])
    return model
