"""Training of one network with Keras: AdamW, cosine decay, averaged weights, the best epoch by validation."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.networks import (
    bank_fit,
    convolutional_network,
    distillation,
    frozen_fit,
    heart_network,
    hint_head,
    residual_network,
)
from models_tflite.training.networks.batches import TrainingBatches, uses_state_input, validation_data
from models_tflite.training.networks.partial_label_loss import Loss, partial_label_loss
from models_tflite.training.recipes.recipe import Recipe


def fit(
    corpus: Corpus,
    recipe: Recipe,
    initial: keras.Model | None,
    seed: int,
    title: str,
    *,
    on_epoch: Callable[[int], None] = lambda _: None,
) -> keras.Model:
    """Train a network on a corpus, of which `validation_mask` only chooses the best weights.

    Args:
        corpus: recordings with their features.
        recipe: network, augmentation and schedule; its teacher is trained first, on the same recordings. With
            lessons the network is trained on a bank of clips instead, all recordings in it.
        initial: model whose layers but the last are copied before training (transfer learning); None: none.
        seed: of the weights, the batches and the validation part.
        title: of the progress bar.
        on_epoch: is called after each epoch with the number of epochs done, the teacher's included.
    """
    if recipe.network == "voice":
        return frozen_fit.fit(corpus, recipe, seed, title, on_epoch=on_epoch)
    if recipe.lessons is not None:
        keras.utils.set_random_seed(seed)
        student = build(recipe, recipe.lessons.outputs)
        progress = _progress(recipe, title, on_epoch)
        return bank_fit.fit(corpus, recipe, recipe.lessons, student, seed=seed, progress=progress)
    is_validation = validation_mask(corpus, recipe, seed)
    teacher = None
    if recipe.teacher is not None:
        teacher = fit(corpus, recipe.teacher, None, seed, f"{title}, its teacher", on_epoch=on_epoch)
        seed += 100  # neither the weights that its teacher began with nor the batches that it saw
    keras.utils.set_random_seed(seed)
    model = build(recipe)
    if initial is not None:
        _transfer_weights(initial, model)
    targets = hint_head.training_targets(corpus, recipe)
    trained, loss = _training_model(model, recipe, teacher, targets.shape[1])
    trained.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                recipe.learning_rate, recipe.epochs * recipe.steps_per_epoch
            ),
            weight_decay=1e-3,
            use_ema=True,
        ),
        loss,
    )
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        trained.fit(
            TrainingBatches(corpus.subset(~is_validation), recipe, seed, targets[~is_validation]),
            epochs=recipe.epochs,
            validation_data=validation_data(
                corpus.subset(is_validation), recipe, targets[is_validation], model
            ),
            callbacks=[
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                keras.callbacks.ModelCheckpoint(
                    best, "val_loss", save_best_only=recipe.save_best_only, save_weights_only=True
                ),
                _progress(recipe, title, on_epoch),
            ],
            verbose=0,
        )
        trained.load_weights(best)
    return model


def validation_mask(corpus: Corpus, recipe: Recipe, seed: int) -> npt.NDArray[np.bool_]:
    """Return the recordings that only choose the best weights: the smallest fold, for the fewest speakers."""
    fold = corpus.folds(recipe.validation_folds, seed)
    smallest: npt.NDArray[np.bool_] = fold == np.bincount(fold).argmin()
    return smallest


def build(recipe: Recipe, outputs: int | None = None) -> keras.Model:
    """Return the untrained network of a recipe, from windows (frames, bands) to logits (outputs).

    `outputs` are the recipe's, unless given.
    """
    builders: dict[str, Callable[..., keras.Model]] = {
        "convolutional": partial(convolutional_network.build, separable=recipe.separable),
        "heart": heart_network.build,
        "residual": residual_network.build,
    }
    return builders[recipe.network](
        recipe.window_frames,
        recipe.features.bands,
        outputs or recipe.outputs,
        widths=recipe.widths,
        strided_layers=recipe.strided_layers,
        dropout=recipe.dropout,
    )


def _training_model(
    model: keras.Model, recipe: Recipe, teacher: keras.Model | None, columns: int
) -> tuple[keras.Model, Loss]:
    """Return the model that is trained in place of `model`, of the same layers, and its loss.

    `columns` is the width of the training targets.
    """
    if teacher is not None:
        trained = distillation.with_teacher_output(model, teacher)
        loss = distillation.loss(recipe.outputs, partial_label_loss(recipe))
    else:
        trained = hint_head.with_hint_head(model, max(0, columns - recipe.outputs - 1))
        loss = hint_head.label_and_hint_loss(recipe)
    if uses_state_input(recipe):
        trained = heart_network.with_state_input(trained)
    return trained, loss


def _transfer_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer but the last, which has other labels."""
    for ours, theirs in zip(target.layers[:-1], source.layers[:-1], strict=True):
        ours.set_weights(theirs.get_weights())


def _progress(recipe: Recipe, title: str, on_epoch: Callable[[int], None]) -> keras.callbacks.Callback:
    bar = tqdm(total=recipe.epochs, desc=title, unit="epoch", disable=None)
    before = recipe.total_epochs - recipe.epochs

    def advance(epoch: int, logs: dict[str, Any]) -> None:
        bar.update()
        on_epoch(before + epoch + 1)
        bar.set_postfix({name: f"{value:.3f}" for name, value in logs.items()})

    return keras.callbacks.LambdaCallback(on_epoch_end=advance, on_train_end=lambda _logs: bar.close())
