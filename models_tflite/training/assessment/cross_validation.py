"""Every recording judged by an int8 model that never heard its group: the slow half of an assessment."""

import keras
import numpy as np

from edge_worker.inference.interpreter import ModelInterpreter
from models_tflite.training.assessment import out_of_fold
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.corpus.corpus import Corpus, TrainingError
from models_tflite.training.networks.conversion import representative, to_int8
from models_tflite.training.networks.fit import corpus_windows, fit
from models_tflite.training.recipes.recipe import Recipe


def cross_validate(
    corpus: Corpus, recipe: Recipe, start: keras.Model | None, folds: int
) -> OutOfFoldPredictions:
    """Train once per fold of groups; recordings of the sites that `recipe.judged_on` names are judged, and
    those that are none of the labels, wherever they are from.

    Raises:
        TrainingError: there are fewer groups than folds.
    """
    known, others = corpus.targets < len(recipe.labels), corpus.targets == len(recipe.labels)
    judged = known & np.char.startswith(corpus.sites, recipe.evaluated_on) | others
    fold = corpus.folds(folds, recipe.seed)
    if len(np.unique(fold[judged])) < folds:
        raise TrainingError(
            f"{recipe.model} has fewer groups to be judged on than {folds} folds: lower --folds"
        )
    rounds = []
    for k in range(folds):
        heard = corpus.subset(fold != k)
        model = fit(heard, recipe, start, recipe.seed + k, f"{recipe.model} fold {k + 1}/{folds}")
        rounds.append(_unheard(model, heard, corpus.subset((fold == k) & judged), recipe, k))
    return out_of_fold.concatenate(rounds)


def leave_one_site_out(corpus: Corpus, recipe: Recipe) -> OutOfFoldPredictions | None:
    """Train once without each site of `recipe.held_out_sites` that is there; None: none is.

    From nothing: what a start was trained on may hold the site.
    """
    rounds = []
    for k, site in enumerate(sorted(set(recipe.held_out_sites) & set(corpus.sites.tolist()))):
        away = corpus.sites == site
        heard = corpus.subset(~away)
        model = fit(heard, recipe, None, recipe.seed, f"{recipe.model} without {site}")
        rounds.append(_unheard(model, heard, corpus.subset(away), recipe, k))
    return out_of_fold.concatenate(rounds) if rounds else None


def _unheard(
    model: keras.Model, heard: Corpus, unheard: Corpus, recipe: Recipe, fold: int
) -> OutOfFoldPredictions:
    """Judge recordings by the model as it would be shipped: ranges of its int8 are of what it heard."""
    network = ModelInterpreter(to_int8(model, representative(corpus_windows(heard, recipe)[0])))
    seen, owner = corpus_windows(unheard, recipe)
    before = model.predict(seen, batch_size=256, verbose=0)
    return out_of_fold.from_corpus(unheard, network.run(seen), before, owner, fold)
