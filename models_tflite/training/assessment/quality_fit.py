"""Fit of the quality model, two logistic regressions: is a sound a heart, and is it clear?

Its figures are of recordings whose group (patient, speaker, source) the fit did not use, and of whole sites
that it did not use.
"""

import zlib
from typing import Any, Final

import numpy as np

from edge_worker.signal.quality_features import QualityFeatures
from edge_worker.signal.quality_model import MAX_DEVIATIONS
from models_tflite.evaluation import metrics
from models_tflite.training.augmentation.quality_corpus import QualityCorpus
from models_tflite.training.networks.binary_task import BinaryTask, BoolArray
from models_tflite.training.networks.logistic_regression import FloatArray

NAMES: Final = QualityFeatures._fields
CLEAR: Final = (
    "repeats",
    "level_low",
    "level_middle",
    "floor_murmur",
    "skew_low",
    "skew_middle",
    "with_middle",
    "with_high",
)
"""Features of `clear`: few, and nearly all of them linear; with more the fit learns the sites."""
CLEAR_SQUARED: Final = ("floor_murmur",)
DATA: Final = (
    "PhysioNet/CinC Challenge 2016, CirCor DigiScope, PASCAL, ESC-50, UrbanSound8K, RAVDESS, FSDD, Speech "
    "Commands, and generated noises"
)
LICENCE_OF_DATA: Final = (
    "PhysioNet 2016 and CirCor: ODC-By 1.0; PASCAL: none stated; ESC-50 and UrbanSound8K: CC BY-NC 3.0; "
    "RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; Speech Commands: CC BY 4.0"
)
PASS_RATES: Final = {"heart": 0.99, "clear": 0.993}
"""Shares of held-out hearts, and of held-out good recordings, that the thresholds let through: about as many
as the limits on rhythm and noise did that this model replaced."""
FOLDS: Final = 5
RESAMPLES: Final = 500
"""Resamples of the 95 % intervals."""


def fit(sounds: QualityCorpus) -> dict[str, Any]:
    """Return the document of the quality model, with its figures on held-out groups and sites."""
    both = sounds.measures.reshape(-1, len(NAMES))
    mean, deviation = both.mean(axis=0), both.std(axis=0)
    standard = ((sounds.measures - mean) / deviation).clip(-MAX_DEVIATIONS, MAX_DEVIATIONS)
    x = np.concatenate([standard, standard**2], axis=2)
    pairs = zip(NAMES, mean, deviation, strict=True)
    return {
        "fitted_by": "models_tflite.training.quality",
        "sounds": len(sounds.site),
        "data": DATA,
        "licence_of_data": LICENCE_OF_DATA,
        "standard": {name: [_short(center), _short(scale)] for name, center, scale in pairs},
        **{name: _fitted(task, sounds, PASS_RATES[name]) for name, task in tasks(x, sounds).items()},
    }


def tasks(x: FloatArray, sounds: QualityCorpus) -> dict[str, BinaryTask]:
    """Return the two classifications; a poor heart is in neither class of `heart`.

    PASCAL has labels of noise as well; they are not trained on, so that the figures show how well they are
    met.
    """
    is_clear_known = (sounds.is_clear >= 0) & ~np.char.startswith(sounds.site, "pascal")
    stratum = np.char.add(sounds.site, sounds.kind)
    is_used = np.array([name in CLEAR for name in NAMES] + [name in CLEAR_SQUARED for name in NAMES])
    return {
        "heart": BinaryTask(x, sounds.is_clear != 0, sounds.is_heart, np.ones_like(is_used), stratum),
        "clear": BinaryTask(x, is_clear_known, sounds.is_clear == 1, is_used, stratum),
    }


def _fitted(task: BinaryTask, sounds: QualityCorpus, pass_rate: float) -> dict[str, Any]:
    """Return weights, threshold and figures of one classification."""
    weights = task.fit_weights(task.is_labelled)
    by_group = task.cross_validated_logits(
        np.array([zlib.crc32(group.encode()) % FOLDS for group in sounds.group])
    )
    threshold = float(np.quantile(by_group[task.is_labelled & task.label], 1 - pass_rate))
    pairs = zip(NAMES, *weights[:-1].reshape(2, -1), strict=True)
    return {
        "bias": _short(weights[-1]),
        "threshold": _short(1 / (1 + np.exp(-threshold))),
        "weights": {
            name: [_short(linear), _short(square)] for name, linear, square in pairs if linear or square
        },
        "unheard_groups": _figures(by_group, threshold, task, sounds),
        "unheard_sites": _figures(task.cross_validated_logits(sounds.site), threshold, task, sounds),
    }


def _figures(logits: FloatArray, threshold: float, task: BinaryTask, sounds: QualityCorpus) -> dict[str, Any]:
    """Return AUC of logits (sounds,) over all, in each dataset and at each site, and the shares that pass."""
    dataset = np.array([site.partition("-")[0] for site in sounds.site])
    sites = np.unique(sounds.site[task.is_labelled]).tolist()
    names = [*np.unique(dataset[task.is_labelled]).tolist(), *sites]
    places = {name: task.is_labelled & ((dataset == name) | (sounds.site == name)) for name in names}
    with_both_labels = [name for name, here in places.items() if len(set(task.label[here])) > 1]
    rates = {"passed_of_yes": task.label, "passed_of_no": ~task.label}
    return {
        "auc": _auc(logits, task, sounds, task.is_labelled),
        "auc_at": {name: _auc(logits, task, sounds, places[name]) for name in with_both_labels},
        **{
            name: {
                site: _short((logits[here & label] >= threshold).mean())
                for site in sites
                if ((here := places[site]) & label).any()
            }
            for name, label in rates.items()
        },
    }


def _auc(logits: FloatArray, task: BinaryTask, sounds: QualityCorpus, rows: BoolArray) -> dict[str, Any]:
    weights = metrics.group_weights(sounds.group[rows], RESAMPLES)
    draws = metrics.auc(task.label[rows], logits[rows], weights)
    return {"value": _short(draws[0]), "interval": metrics.interval(draws)}


def _short(number: float) -> float:
    return float(f"{number:.4g}")
