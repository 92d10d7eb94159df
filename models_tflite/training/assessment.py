"""What a recipe reaches on groups it never heard: cross-validation over groups, then whole sites held out."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge_worker.features import Float32Array
from models_tflite import metrics
from models_tflite.training.calibration import (
    FloatArray,
    IntArray,
    fit_temperature,
    fit_threshold,
    recording_probabilities,
)
from models_tflite.training.corpus import Corpus, TrainingError
from models_tflite.training.fit import fit, windows_of
from models_tflite.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Assessment:
    """Calibration and figures of a recipe."""

    temperature: float
    threshold: float
    figures: dict[str, Any]


def assess(corpus: Corpus, recipe: Recipe, start: keras.Model | None, folds: int, seed: int) -> Assessment:
    """Train once per fold and once per held-out site; every recording is judged by a model that never
    heard its group, and only recordings of the sites that `recipe.judged_on` names are counted.
    """
    judged = np.char.startswith(corpus.sites, recipe.judged_on)
    fold = corpus.folds(folds, seed)
    if len(np.unique(fold[judged])) < folds:
        raise TrainingError(
            f"{recipe.model} has fewer groups to be judged on than {folds} folds: lower --folds"
        )
    rounds = []
    for k in range(folds):
        model = fit(corpus.subset(fold != k), recipe, start, seed + k, f"{recipe.model} fold {k + 1}/{folds}")
        rounds.append(_unheard(model, corpus.subset((fold == k) & judged), recipe))
    logits, owner, targets, sites = _joined(rounds)
    temperature = fit_temperature(logits, owner, targets)
    probabilities = recording_probabilities(logits, owner, temperature)
    threshold = fit_threshold(probabilities, recipe.coverage)

    def described(probabilities: FloatArray, targets: IntArray) -> dict[str, Any]:
        return describe(probabilities, targets, recipe.labels, threshold)

    held_out = {}
    for site in sorted(set(recipe.held_out_sites) & set(sites)):
        logits, owner, away, _ = _without(corpus, recipe, site, seed)
        held_out[site] = described(recording_probabilities(logits, owner, temperature), away)
    figures = {
        "cross_validation": {"folds": folds, **described(probabilities, targets)},
        "by_site": {
            str(site): described(probabilities[sites == site], targets[sites == site])
            for site in np.unique(sites)
        },
        "site_held_out": held_out,
    }
    return Assessment(temperature, threshold, figures)


def describe(
    probabilities: FloatArray, targets: IntArray, labels: tuple[str, ...], threshold: float
) -> dict[str, Any]:
    """Return the figures of recordings: (recordings, labels) probabilities against (recordings,) targets."""
    predicted = probabilities.argmax(axis=1)
    counts = metrics.confusion(targets, predicted, len(labels))
    confidence = probabilities.max(axis=1)
    accepted = confidence >= threshold
    correct = predicted == targets
    return {
        "n": len(targets),
        "accuracy": metrics.accuracy(counts),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "auc": metrics.auc(targets == 1, probabilities[:, 1]) if len(labels) == 2 else None,  # noqa: PLR2004
        "expected_calibration_error": metrics.expected_calibration_error(correct, confidence),
        "accepted_fraction": float(accepted.mean()),
        "accuracy_when_accepted": float(correct[accepted].mean()) if accepted.any() else None,
        "per_class": metrics.per_class(counts, labels),
        "confusion": counts.tolist(),
    }


_Round = tuple[Float32Array, IntArray, IntArray, npt.NDArray[np.str_]]


def _unheard(model: keras.Model, corpus: Corpus, recipe: Recipe) -> _Round:
    """Return logits and owner of the windows, target and site of the recordings."""
    seen, owner = windows_of(corpus, recipe)
    return model.predict(seen, batch_size=256, verbose=0), owner, corpus.targets, corpus.sites


def _joined(rounds: list[_Round]) -> _Round:
    offsets = np.cumsum([0] + [len(targets) for _, _, targets, _ in rounds])
    return (
        np.concatenate([logits for logits, _, _, _ in rounds]),
        np.concatenate([owner + offset for (_, owner, _, _), offset in zip(rounds, offsets, strict=False)]),
        np.concatenate([targets for _, _, targets, _ in rounds]),
        np.concatenate([sites for _, _, _, sites in rounds]),
    )


def _without(corpus: Corpus, recipe: Recipe, site: str, seed: int) -> _Round:
    """Train without a site and judge it. From nothing: what a start was trained on may hold the site."""
    away = corpus.sites == site
    model = fit(corpus.subset(~away), recipe, None, seed, f"{recipe.model} without {site}")
    return _unheard(model, corpus.subset(away), recipe)
