"""Training targets of labels and hints, and the output layer and loss that learn them together."""

import keras
import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus import hints
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks.partial_label_loss import Loss, partial_label_loss
from models_tflite.training.recipes.recipe import Recipe


def training_targets(corpus: Corpus, recipe: Recipe) -> Float32Array:
    """Return one-hot labels, then what `hints.load` returns: (recordings, outputs [+ 1 + numbers]).

    The row of a partial label is all 0: `partial_label_loss` takes what is missing to 1 as any label.
    """
    labels = np.eye(len(corpus.labels) + 2, dtype=np.float32)[corpus.targets, : recipe.outputs]
    embeddings = None if recipe.hints is None else hints.load(corpus, recipe.hints)
    return labels if embeddings is None else np.hstack([labels, embeddings])


def with_hint_head(model: keras.Model, numbers: int) -> keras.Model:
    """Return a model that shares the layers of `model` and outputs its logits, then `numbers` of hints."""
    if numbers == 0:
        return model
    head = keras.layers.Dense(numbers)(model.layers[-1].input)
    return keras.Model(model.input, keras.layers.Concatenate()([model.output, head]))


def label_and_hint_loss(recipe: Recipe) -> Loss:
    """Return the loss for `training_targets`: cross-entropy of labels, plus the squared error of hints."""
    outputs, label_loss = recipe.outputs, partial_label_loss(recipe)

    def loss(targets: keras.KerasTensor, predicted: keras.KerasTensor) -> keras.KerasTensor:
        of_labels = label_loss(targets[:, :outputs], predicted[:, :outputs])
        if predicted.shape[1] == outputs:
            return of_labels
        is_known = keras.ops.floor(targets[:, outputs] + 1e-3)  # both that were mixed
        error = keras.losses.mean_squared_error(targets[:, outputs + 1 :], predicted[:, outputs:])
        return of_labels + recipe.hint_weight * is_known * error

    return loss
