"""Training batches: windows drawn and augmented anew in every epoch; validation data."""

import keras
import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, windows
from models_tflite.training.augmentation.augmentation import (
    augment_acoustics,
    mixup,
    overlay,
    random_crop,
    spec_augment,
)
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks import heart_network
from models_tflite.training.recipes.recipe import Recipe

ModelInput = Float32Array | tuple[Float32Array, Float32Array]
"""Windows (batch, frames, bands), or these and state probabilities (batch, frames, 4)."""


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Random augmented batches of a corpus; the same for the same seed, whichever thread draws them."""

    def __init__(self, corpus: Corpus, recipe: Recipe, seed: int, targets: Float32Array) -> None:
        super().__init__(workers=1)
        self._features, self._recipe, self._seed, self._epoch = corpus.features, recipe, seed, 0
        self._probabilities = recipe.sampling(corpus)
        self._targets = targets
        if uses_state_input(recipe):
            states = heart_network.predict_states(corpus.features)
            self._features = tuple(np.hstack(both) for both in zip(corpus.features, states, strict=True))

    def __len__(self) -> int:
        return self._recipe.steps_per_epoch

    def on_epoch_end(self) -> None:
        """Count epochs: each draws other windows."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[ModelInput, Float32Array]:
        rng = np.random.default_rng((self._seed, self._epoch, index))
        recipe, augmentation, bands = self._recipe, self._recipe.augmentation, self._recipe.features.bands
        drawn = rng.choice(len(self._features), recipe.batch_size, p=self._probabilities)
        crops = [
            random_crop(self._features[i], recipe.window_frames, rng, augmentation.time_stretch, recipe.pad)
            for i in drawn
        ]
        inputs, states = np.split(np.stack(crops), [bands], axis=2)
        inputs, targets = augment_acoustics(inputs, augmentation, rng), self._targets[drawn]
        if recipe.overlay_probability:
            inputs, targets = overlay(inputs, targets, rng, recipe.overlay_probability)
        inputs = np.concatenate([spec_augment(inputs, augmentation, rng), states], axis=2)
        if recipe.mixup_alpha:
            inputs, targets = mixup(inputs, targets, rng, recipe.mixup_alpha)
        return _model_input(*np.split(inputs, [bands], axis=2)), targets


def validation_data(
    corpus: Corpus, recipe: Recipe, targets: Float32Array, model: keras.Model
) -> tuple[ModelInput, Float32Array, Float32Array]:
    """Return validation inputs, targets and sample weights: labels and sites count as they are drawn."""
    inputs, owner = corpus_windows(corpus, recipe)
    share = recipe.sampling(corpus)[owner] / np.bincount(owner)[owner]
    weights = (share * len(share)).astype(np.float32)
    has_states = uses_state_input(recipe)
    states = heart_network.predict_window_states(model, inputs) if has_states else inputs[..., :0]
    return _model_input(inputs, states), targets[owner], weights


def corpus_windows(corpus: Corpus, recipe: Recipe) -> tuple[Float32Array, npt.NDArray[np.intp]]:
    """Return every window as the worker cuts it and its recording: (windows, frames, bands), (windows,)."""
    cut = [
        normalise(windows(features, recipe.window_frames, recipe.hop_frames, recipe.pad))
        for features in corpus.features
    ]
    return np.concatenate(cut), np.repeat(np.arange(len(cut)), [len(part) for part in cut])


def uses_state_input(recipe: Recipe) -> bool:
    """Return whether a network trains with the states of the clean sound as input, not with its own."""
    return recipe.network == "heart" and recipe.teacher is None and recipe.hints is None


def _model_input(inputs: Float32Array, states: Float32Array) -> ModelInput:
    return (inputs, states) if states.shape[2] else inputs
