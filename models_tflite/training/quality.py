"""`stetho train quality --data DIR`: fit the scorecard of `edge_worker.signal.quality`.

Two logistic regressions: is this a heart, and is it clear. The figures in the scorecard are of recordings
whose group (patient, speaker, source) the fit never heard, and of whole sites that it never heard.
"""

import argparse
import json
import re
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_worker.errors import StethoError
from edge_worker.signal.quality_features import QualityFeatures
from edge_worker.signal.quality_model import FILE, MAX_DEVIATIONS
from models_tflite.evaluation import metrics
from models_tflite.training.augmentation.quality_corpus import QualityCorpus, load
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
"""Few, and nearly all of them straight: with more the fit learns the sites by heart."""
CLEAR_SQUARED: Final = ("floor_murmur",)
DATA: Final = (
    "PhysioNet/CinC Challenge 2016, CirCor DigiScope, PASCAL, ESC-50, UrbanSound8K, RAVDESS, FSDD, Speech "
    "Commands, and generated noises"
)
LICENCE_OF_DATA: Final = (
    "PhysioNet 2016 and CirCor: ODC-By 1.0; PASCAL: none stated; ESC-50 and UrbanSound8K: CC BY-NC 3.0; "
    "RAVDESS: CC BY-NC-SA 4.0; FSDD: CC BY-SA 4.0; Speech Commands: CC BY 4.0"
)
PASSED: Final = {"heart": 0.99, "clear": 0.993}
"""Shares of unheard hearts, and of unheard good recordings, that the thresholds let through: about as many
as the limits on rhythm and noise did that the scorecard replaced."""
FOLDS: Final = 5
RESAMPLES: Final = 500
"""Of the 95 % intervals."""


def fit(sounds: QualityCorpus) -> dict[str, Any]:
    """Return the scorecard, with its figures on what it did not hear."""
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
        "standard": {name: [_short(middle), _short(width)] for name, middle, width in pairs},
        **{name: _entry(asked, sounds, PASSED[name]) for name, asked in questions(x, sounds).items()},
    }


def questions(x: FloatArray, sounds: QualityCorpus) -> dict[str, BinaryTask]:
    """Return what the scorecard answers; a poor heart is neither a heart to learn from nor anything else.

    PASCAL says what is noisy as well; nothing is learned from that, so that it can be told how well it goes.
    """
    said = (sounds.is_clear >= 0) & ~np.char.startswith(sounds.site, "pascal")
    cell = np.char.add(sounds.site, sounds.kind)
    few = np.array([name in CLEAR for name in NAMES] + [name in CLEAR_SQUARED for name in NAMES])
    return {
        "heart": BinaryTask(x, sounds.is_clear != 0, sounds.is_heart, np.ones_like(few), cell),
        "clear": BinaryTask(x, said, sounds.is_clear == 1, few, cell),
    }


def _entry(task: BinaryTask, sounds: QualityCorpus, passed: float) -> dict[str, Any]:
    """Return what the scorecard says of a question."""
    weights = task.fit_weights(task.is_labelled)
    groups = task.cross_validated_logits(
        np.array([zlib.crc32(group.encode()) % FOLDS for group in sounds.group])
    )
    threshold = float(np.quantile(groups[task.is_labelled & task.label], 1 - passed))
    pairs = zip(NAMES, *weights[:-1].reshape(2, -1), strict=True)
    return {
        "bias": _short(weights[-1]),
        "threshold": _short(1 / (1 + np.exp(-threshold))),
        "weights": {
            name: [_short(straight), _short(square)] for name, straight, square in pairs if straight or square
        },
        "unheard_groups": _figures(groups, threshold, task, sounds),
        "unheard_sites": _figures(task.cross_validated_logits(sounds.site), threshold, task, sounds),
    }


def _figures(logits: FloatArray, threshold: float, task: BinaryTask, sounds: QualityCorpus) -> dict[str, Any]:
    """Return how right logits (sounds,) are: over all, in each dataset, and at each site."""
    dataset = np.array([site.partition("-")[0] for site in sounds.site])
    sites = np.unique(sounds.site[task.is_labelled]).tolist()
    names = [*np.unique(dataset[task.is_labelled]).tolist(), *sites]
    places = {name: task.is_labelled & ((dataset == name) | (sounds.site == name)) for name in names}
    both = [name for name, here in places.items() if len(set(task.label[here])) > 1]
    answers = {"passed_of_yes": task.label, "passed_of_no": ~task.label}
    return {
        "auc": _auc(logits, task, sounds, task.is_labelled),
        "auc_at": {name: _auc(logits, task, sounds, places[name]) for name in both},
        **{
            word: {
                site: _short((logits[here & answer] >= threshold).mean())
                for site in sites
                if ((here := places[site]) & answer).any()
            }
            for word, answer in answers.items()
        },
    }


def _auc(logits: FloatArray, task: BinaryTask, sounds: QualityCorpus, rows: BoolArray) -> dict[str, Any]:
    weights = metrics.group_weights(sounds.group[rows], RESAMPLES)
    draws = metrics.auc(task.label[rows], logits[rows], weights)
    return {"value": _short(draws[0]), "interval": metrics.interval(draws)}


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def _json(document: dict[str, Any]) -> str:
    """Return JSON for people: pairs of numbers stay on one line."""
    return re.sub(r"\[\s+([^][]+?),\s+([^][]+?)\s+\]", r"[\1, \2]", json.dumps(document, indent=1)) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho train quality",
        description="Fit the scorecard that tells hearts from everything else and good from poor.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--out", type=Path, default=FILE, help="scorecard to write (default: the worker's)")
    options = parser.parse_args(arguments)
    try:
        written = _json(fit(load(options.data)))
        options.out.write_text(written, encoding="utf-8")
    except (StethoError, OSError) as error:
        print(f"quality: {error}", file=sys.stderr)
        return 2
    print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
