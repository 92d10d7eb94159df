"""Measurement of a model on sites that it was trained without: `stetho evaluate MODEL --unseen-sites`.

Beside a model `unseen_sites/SITE/` holds what the same recipe gave without that site: each of these pairs
classifies the recordings of its site, as the worker does, with thresholds that the site had no part in.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
from models_tflite.evaluation import audio, site_report
from models_tflite.evaluation.classification_report import LabelledPredictions
from models_tflite.training.corpus.corpus import Recording
from models_tflite.training.recipes.registry import recipe_of

FOLDER: Final = "unseen_sites"


def measure(
    model: str, models_dir: Path, data: Path, every: int = 1, sites: Collection[str] = ()
) -> dict[str, Any]:
    """Return the figures of a model on each site without it, and their mean and worst.

    Args:
        model: name of the model.
        models_dir: folder of the models.
        data: folder of the datasets.
        every: only each so-manieth recording of a site counts, for a quick look.
        sites: only these; (): all.

    Raises:
        ModelError: there are no models without a site, or one is damaged.
        TrainingError, AudioError: the datasets are not there, or damaged.
    """
    found = sorted((models_dir / FOLDER).glob(f"*/{model}.json"))
    folders = [path for path in found if not sites or path.parent.name in sites]
    if not folders:
        raise ModelError(
            f"{models_dir / FOLDER} holds no {model} without a site: only heart2 is shipped with them"
        )
    recipe = recipe_of(model)
    by_site: dict[str, list[Recording]] = {path.parent.name: [] for path in folders}
    for recording in recipe.gather(data):
        if recording.site in by_site and recording.label in recipe.labels:
            by_site[recording.site].append(recording)
    missing = [site for site, recordings in by_site.items() if not recordings]
    if missing:
        raise ModelError(f"{data} has no recording of {', '.join(missing)}: point at the whole datasets")
    reports = {
        path.parent.name: _report(Classifier.load(path.parent, model), by_site[path.parent.name][::every])
        for path in folders
    }
    return {"model": model, **site_report.summary(reports), "by_site": reports}


def _report(classifier: Classifier, recordings: list[Recording]) -> dict[str, Any]:
    """Return the figures of the recordings of one site."""
    labels, site = classifier.card.labels, recordings[0].site
    predictions = [
        classifier.classify(audio.read(recording.path))
        for recording in tqdm(recordings, site, unit="file", disable=None)
    ]
    labelled = LabelledPredictions(
        np.array([labels.index(recording.label) for recording in recordings], dtype=np.intp),
        np.array([list(prediction.probabilities.values()) for prediction in predictions]),
        np.array([prediction.accepted for prediction in predictions]),
        np.array([recording.group for recording in recordings]),
    )
    return site_report.site_report(labelled, site, labels)
