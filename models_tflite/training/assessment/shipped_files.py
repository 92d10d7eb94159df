"""The files that ship, made from a training run: network, card and page, and the models without each site.

A model with a linear model for unfamiliar devices also ships `unseen_sites/SITE/`, the pair that was trained
without that site: `stetho evaluate --unseen-sites` measures them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_worker.protocol import strict_json
from edge_worker.signal.device_spectrum import spectral_shape
from models_tflite.evaluation import site_report
from models_tflite.training.assessment import (
    assessment,
    card,
    model_files,
    out_of_fold,
    site_calibration,
    site_figures,
)
from models_tflite.training.assessment.acceptance import RULE
from models_tflite.training.assessment.assessment import Assessment
from models_tflite.training.assessment.site_calibration import SiteCalibration
from models_tflite.training.assessment.training_run import TrainedModel, load_sites
from models_tflite.training.corpus.corpus import Corpus, TrainingError
from models_tflite.training.recipes.recipe import Recipe

UNSEEN_SITES: Final = "unseen_sites"
REFERENCE_WEIGHT: Final = 0.0
"""Weight of the spectral correction of a device; see docs/models.md for what it was worth."""
Card = dict[str, Any]


def write(recipe: Recipe, data: Path, corpus: Corpus, run: Path, out: Path) -> Card:
    """Write the files of a model from the training run in a folder; return its card.

    Args:
        recipe: of the model.
        data: folder of the datasets.
        corpus: the recordings that it was trained on.
        run: folder of the training run.
        out: folder of the model's files.

    Raises:
        TrainingError: the run is damaged or of another model, or a file cannot be written.
    """
    trained, sites = TrainedModel.load(run, recipe), load_sites(run, recipe)
    if trained.unfamiliar is None:
        unseen = out_of_fold.concatenate([of.predictions for of in sites.values()]) if sites else None
        assessed = assessment.assess(trained.predictions, recipe, unseen)
        document = card.document(recipe, assessed, trained.content, len(corpus))
    else:
        document = _calibrated_on_sites(recipe, corpus, trained, sites, out)
    document = card.measured(document, trained.content, recipe, data)
    model_files.write(out, document, trained.content)
    return document


def _calibrated_on_sites(
    recipe: Recipe, corpus: Corpus, trained: TrainedModel, sites: dict[str, TrainedModel], out: Path
) -> Card:
    """Return the card of a model with its calibration on unseen sites; write the models without each site."""
    if len(sites) < 2:  # noqa: PLR2004 one to calibrate by, one to evaluate
        raise TrainingError(f"{recipe.model} needs models without two sites or more: train it again")
    labels, predictions = len(recipe.labels), {site: of.predictions for site, of in sites.items()}
    reports = {}
    for site, of in sites.items():
        calibration = site_calibration.fit(trained.predictions, predictions, labels, without=site)
        labelled = site_figures.labelled_predictions(of.predictions, calibration, labels)
        reports[site] = site_report.site_report(labelled, site, recipe.labels)
        _write_pair(recipe, corpus.subset(corpus.sites != site), of, calibration, out / UNSEEN_SITES / site)
    calibration = site_calibration.fit(trained.predictions, predictions, labels)
    whole = site_figures.known_sites_report(trained.predictions, predictions, recipe.labels)
    figures = {"unseen_sites": {**site_report.summary(reports), "by_site": reports}, **whole}
    assessed = Assessment(calibration.temperature, calibration.thresholds.unfamiliar, RULE, figures)
    document = card.document(recipe, assessed, trained.content, len(corpus))
    return {**document, **_device_entries(corpus, trained, calibration)}


def _write_pair(
    recipe: Recipe, corpus: Corpus, of: TrainedModel, calibration: SiteCalibration, folder: Path
) -> None:
    """Write a model that was trained without one site: network and card, without figures."""
    assessed = Assessment(calibration.temperature, calibration.thresholds.unfamiliar, RULE, {})
    without = replace(recipe, facts={"task": recipe.facts["task"], "not_for": "Use: it only measures."})
    document = card.document(without, assessed, of.content, len(corpus))
    text = strict_json.write({**document, **_device_entries(corpus, of, calibration)}) + "\n"
    model_files.check_writable(folder)
    model_files.replace(
        {folder / f"{recipe.model}.tflite": of.content, folder / f"{recipe.model}.json": text.encode()}
    )


def _device_entries(corpus: Corpus, of: TrainedModel, calibration: SiteCalibration) -> Card:
    """Return the entries of a card on unfamiliar devices and their adaptation."""
    if of.unfamiliar is None:
        raise TrainingError("the training run has no linear model for unfamiliar devices: train it again")
    reference = {"reference_db": _reference_db(corpus), "reference_weight": REFERENCE_WEIGHT}
    return {
        "adaptation": {**calibration.adaptation, **reference},
        "unfamiliar_device": calibration.applied_to(of.unfamiliar).document(),
    }


def _reference_db(corpus: Corpus) -> list[float]:
    """Return the mean spectral shape of the hearts of a corpus, each site counting the same, (bands,)."""
    is_heart = corpus.targets < len(corpus.labels)
    shapes = np.stack([spectral_shape(frames) for frames in corpus.subset(is_heart).features])
    sites = corpus.sites[is_heart]
    mean = np.mean([shapes[sites == site].mean(axis=0) for site in np.unique(sites)], axis=0)
    return [round(float(level), 2) for level in mean - mean.mean()]
