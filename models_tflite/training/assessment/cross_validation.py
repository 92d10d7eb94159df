"""Cross-validation by group, and leave-one-site-out, with int8 models as they would be shipped."""

from collections.abc import Iterator

import keras
import numpy as np

from edge_worker.inference.interpreter import ModelInterpreter
from models_tflite.training.assessment import out_of_fold, unfamiliar_fit
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.assessment.training_run import TrainedModel
from models_tflite.training.corpus.corpus import Corpus, TrainingError
from models_tflite.training.networks import shipping
from models_tflite.training.networks.batches import corpus_windows
from models_tflite.training.networks.fit import fit
from models_tflite.training.recipes.recipe import Recipe


def cross_validate(
    corpus: Corpus, recipe: Recipe, initial: keras.Model | None, folds: int
) -> OutOfFoldPredictions:
    """Train one model per fold of groups and return its predictions for that fold.

    Predicted are the recordings of the sites that `recipe.evaluated_on` names, and all background.

    Args:
        corpus: recordings with their features.
        recipe: of each model.
        initial: model whose layers each one starts from; None: none.
        folds: number of folds.

    Raises:
        TrainingError: there are fewer groups than folds.
    """
    is_labelled, is_background = corpus.targets < len(recipe.labels), corpus.targets == len(recipe.labels)
    is_evaluated = is_labelled & np.char.startswith(corpus.sites, recipe.evaluated_on) | is_background
    fold = corpus.folds(folds, recipe.seed)
    if len(np.unique(fold[is_evaluated])) < folds:
        raise TrainingError(
            f"{recipe.model} has fewer groups to evaluate on than {folds} folds: lower --folds"
        )
    parts = []
    for k in range(folds):
        training = corpus.subset(fold != k)
        model = fit(training, recipe, initial, recipe.seed + k, f"{recipe.model} fold {k + 1}/{folds}")
        held_out = corpus.subset((fold == k) & is_evaluated)
        parts.append(_predict(model, training, held_out, recipe, k).predictions)
    return out_of_fold.concatenate(parts)


def leave_one_site_out(corpus: Corpus, recipe: Recipe) -> Iterator[tuple[str, TrainedModel]]:
    """Yield each of `recipe.held_out_sites` that is in the corpus, with a model that was trained without it.

    Without pretraining: that may have used the site.
    """
    for k, site in enumerate(sorted(set(recipe.held_out_sites) & set(corpus.sites.tolist()))):
        is_held_out = corpus.sites == site
        training = corpus.subset(~is_held_out)
        model = fit(training, recipe, None, recipe.seed, f"{recipe.model} without {site}")
        yield site, _predict(model, training, corpus.subset(is_held_out), recipe, k)


def _predict(
    model: keras.Model, training: Corpus, held_out: Corpus, recipe: Recipe, fold: int
) -> TrainedModel:
    """Return the int8 model, its ranges calibrated on the training recordings, with its predictions."""
    content = shipping.to_file(model, training, recipe)
    unfamiliar = unfamiliar_fit.fit(training, recipe)
    if unfamiliar is not None:
        predictions = unfamiliar_fit.predict(content, unfamiliar, held_out, recipe, fold)
        return TrainedModel(content, unfamiliar, predictions)
    inputs, owner = corpus_windows(held_out, recipe)
    float_logits = model.predict(inputs, batch_size=256, verbose=0)
    logits = ModelInterpreter(content).run(inputs)
    predictions = out_of_fold.from_corpus(held_out, logits, float_logits, owner, fold)
    return TrainedModel(content, None, predictions)
