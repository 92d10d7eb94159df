"""Training of one network: balanced disturbed batches in, the best weights by validation out."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, windows
from models_tflite.training.augmentation.augmentation import crop, hear_elsewhere, mask, mix, overlay
from models_tflite.training.corpus import hints
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks import (
    architecture,
    distillation,
    heart_network,
    label_loss,
    residual_network,
)
from models_tflite.training.recipes.recipe import Recipe

Seen = Float32Array | tuple[Float32Array, Float32Array]
"""What a network is given: windows (batch, frames, bands), or these and states (batch, frames, 4)."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Endless variety of windows; the same for the same seed, however many threads draw them."""

    def __init__(self, corpus: Corpus, recipe: Recipe, seed: int, targets: Float32Array) -> None:
        super().__init__(workers=1)
        self._frames, self._recipe, self._seed, self._epoch = corpus.frames, recipe, seed, 0
        self._chance = recipe.draw(corpus)
        self._targets = targets
        if _is_told_states(recipe):
            beside = heart_network.states_of(corpus.frames)
            self._frames = tuple(np.hstack(both) for both in zip(corpus.frames, beside, strict=True))

    def __len__(self) -> int:
        return self._recipe.steps

    def on_epoch_end(self) -> None:
        """Count epochs: each draws other windows."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[Seen, Float32Array]:
        random = np.random.default_rng((self._seed, self._epoch, index))
        recipe, how = self._recipe, self._recipe.disturbance
        drawn = random.choice(len(self._frames), recipe.batch, p=self._chance)
        seen = np.stack(
            [crop(self._frames[i], recipe.window_frames, random, how.stretch, recipe.pad) for i in drawn]
        )
        seen, states = np.split(seen, [recipe.features.bands], axis=2)
        seen, targets = hear_elsewhere(seen, how, random), self._targets[drawn]
        if recipe.overlaid:
            seen, targets = overlay(seen, targets, random, recipe.overlaid)
        seen = np.concatenate([mask(seen, how, random), states], axis=2)
        seen, targets = mix(seen, targets, random, recipe.mixup)
        return _given(*np.split(seen, [recipe.features.bands], axis=2)), targets


def fit(
    corpus: Corpus,
    recipe: Recipe,
    start: keras.Model | None,
    seed: int,
    title: str,
    *,
    on_epoch: Callable[[int], None] = lambda _: None,
) -> keras.Model:
    """Train on a corpus, of which one part, of other groups, only chooses the best weights.

    A recipe's teacher is trained before, on the same recordings. `on_epoch` hears how many of all epochs are
    done.
    """
    validation = aside(corpus, recipe, seed)
    teacher = None
    if recipe.teacher is not None:
        teacher = fit(corpus, recipe.teacher, None, seed, f"{title}, its teacher", on_epoch=on_epoch)
        seed += 100  # neither the weights that its teacher began with nor the batches that it saw
    keras.utils.set_random_seed(seed)
    model = _untrained(recipe)
    if start is not None:
        _copy_layers(start, model)
    targets = _targets(corpus, recipe)
    if teacher is not None:
        taught = distillation.beside(model, teacher)
        loss = distillation.loss(recipe.outputs, label_loss.of(recipe))
    else:
        taught, loss = _taught(model, max(0, targets.shape[1] - recipe.outputs - 1)), _loss(recipe)
    if _is_told_states(recipe):
        taught = heart_network.told(taught)
    taught.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * recipe.steps),
            weight_decay=1e-3,
            use_ema=True,
        ),
        loss,
    )
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        taught.fit(
            Batches(corpus.subset(~validation), recipe, seed, targets[~validation]),
            epochs=recipe.epochs,
            validation_data=_weighted(corpus.subset(validation), recipe, targets[validation], model),
            callbacks=[
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                keras.callbacks.ModelCheckpoint(
                    best, "val_loss", save_best_only=recipe.keep_best, save_weights_only=True
                ),
                _progress(recipe, title, on_epoch),
            ],
            verbose=0,
        )
        taught.load_weights(best)
    return model


def aside(corpus: Corpus, recipe: Recipe, seed: int) -> npt.NDArray[np.bool_]:
    """Return what only chooses the best weights: the smallest fold, with the fewest of few speakers."""
    fold = corpus.folds(recipe.validation_folds, seed)
    smallest: npt.NDArray[np.bool_] = fold == np.bincount(fold).argmin()
    return smallest


def windows_of(corpus: Corpus, recipe: Recipe) -> tuple[Float32Array, npt.NDArray[np.intp]]:
    """Return every window as the worker cuts it, (windows, frames, bands), and whose it is, (windows,)."""
    cut = [
        normalise(windows(item, recipe.window_frames, recipe.hop_frames, recipe.pad))
        for item in corpus.frames
    ]
    return np.concatenate(cut), np.repeat(np.arange(len(cut)), [len(part) for part in cut])


def _untrained(recipe: Recipe) -> keras.Model:
    build: dict[str, Callable[..., keras.Model]] = {
        "course": heart_network.build,
        "picture": partial(architecture.build, separable=recipe.separable),
        "residual": residual_network.build,
    }
    return build[recipe.network](
        recipe.window_frames,
        recipe.features.bands,
        recipe.outputs,
        widths=recipe.widths,
        halving=recipe.halving,
        dropout=recipe.dropout,
    )


def _targets(corpus: Corpus, recipe: Recipe) -> Float32Array:
    """Return what is to be said of each recording: labels, one hot, then what `hints.of` returns.

    Of what is untold, all are 0: where they do not add up to 1, the rest is of labels that nobody said.
    """
    labels = np.eye(len(corpus.labels) + 2, dtype=np.float32)[corpus.targets, : recipe.outputs]
    said = None if recipe.hints is None else hints.of(corpus, recipe.hints)
    return labels if said is None else np.hstack([labels, said])


def _taught(model: keras.Model, numbers: int) -> keras.Model:
    """Return a model that says logits and so many numbers of hints, of the same layers as `model`."""
    if numbers == 0:
        return model
    said = keras.layers.Dense(numbers)(model.layers[-1].input)
    return keras.Model(model.input, keras.layers.Concatenate()([model.output, said]))


def _loss(recipe: Recipe) -> label_loss.Loss:
    """Return the loss of what `_targets` wants: that of labels, and the squared error of hints."""
    outputs, by_label = recipe.outputs, label_loss.of(recipe)

    def loss(wanted: keras.KerasTensor, said: keras.KerasTensor) -> keras.KerasTensor:
        of_labels = by_label(wanted[:, :outputs], said[:, :outputs])
        if said.shape[1] == outputs:
            return of_labels
        is_known = keras.ops.floor(wanted[:, outputs] + 1e-3)  # both that were mixed
        error = keras.losses.mean_squared_error(wanted[:, outputs + 1 :], said[:, outputs:])
        return of_labels + recipe.hint_weight * is_known * error

    return loss


def _is_told_states(recipe: Recipe) -> bool:
    """Return whether a network learns by the states of the sound as it was; else by what it hears itself."""
    return recipe.network == "course" and recipe.teacher is None and recipe.hints is None


def _given(windows: Float32Array, states: Float32Array) -> Seen:
    return (windows, states) if states.shape[2] else windows


def _weighted(
    corpus: Corpus, recipe: Recipe, targets: Float32Array, model: keras.Model
) -> tuple[Seen, Float32Array, Float32Array]:
    """Return validation windows, targets and weights: labels and sites count as they are drawn."""
    seen, owner = windows_of(corpus, recipe)
    share = recipe.draw(corpus)[owner] / np.bincount(owner)[owner]
    weights = (share * len(share)).astype(np.float32)
    states = heart_network.states_of_windows(model, seen) if _is_told_states(recipe) else seen[..., :0]
    return _given(seen, states), targets[owner], weights


def _copy_layers(source: keras.Model, target: keras.Model) -> None:
    """Take over the weights of every layer but the last, which knows other labels."""
    for taken, given in zip(target.layers[:-1], source.layers[:-1], strict=True):
        taken.set_weights(given.get_weights())


def _progress(recipe: Recipe, title: str, on_epoch: Callable[[int], None]) -> keras.callbacks.Callback:
    bar = tqdm(total=recipe.epochs, desc=title, unit="epoch", disable=None)
    before = recipe.all_epochs - recipe.epochs

    def advance(epoch: int, logs: dict[str, Any]) -> None:
        bar.update()
        on_epoch(before + epoch + 1)
        bar.set_postfix(loss=f"{logs['loss']:.3f}", validation=f"{logs['val_loss']:.3f}")

    return keras.callbacks.LambdaCallback(on_epoch_end=advance, on_train_end=lambda _logs: bar.close())
