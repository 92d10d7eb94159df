"""Figures of a model with a linear model for unfamiliar devices, at sites left out and at known ones."""

from typing import Any, Final

import numpy as np

from models_tflite.evaluation.classification_report import (
    LabelledPredictions,
    classification_report,
    is_accepted,
)
from models_tflite.evaluation.site_report import figures
from models_tflite.training.assessment import site_calibration
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.assessment.site_calibration import SiteCalibration, Sites

HOW: Final = (
    "Each recording was classified by an int8 model that was trained without its patient or block, with the "
    "calibration of the other folds and of the sites left out. The shipped model was trained on all groups "
    "by the same recipe. Intervals hold 95 %: bootstrap over groups, where there are five or more."
)
"""The card's note on the figures of known sites."""


def known_sites_report(
    predictions: OutOfFoldPredictions, sites: Sites, labels: tuple[str, ...]
) -> dict[str, Any]:
    """Return the figures of the cross-validation: of unseen groups at known sites, whole and by site.

    Each fold has the calibration of the other folds and of the sites left out.
    """
    parts, folds = [], []
    for fold in np.unique(predictions.fold):
        part = predictions.subset(predictions.fold == fold)
        calibration = site_calibration.fit(predictions.subset(predictions.fold != fold), sites, len(labels))
        labelled = labelled_predictions(part, calibration, len(labels))
        parts.append((part.sites, labelled))
        folds.append({"temperature": round(calibration.temperature, 4), **figures(labelled, labels)})
    whole = LabelledPredictions(
        *(np.concatenate([getattr(of, name) for _, of in parts]) for name in LabelledPredictions.__slots__)
    )
    site = np.concatenate([of_part for of_part, _ in parts])
    return {
        "how": HOW,
        "cross_validation": {
            "folds": len(folds),
            **classification_report(whole, labels),
            "by_fold": folds,
        },
        "by_site": {str(each): figures(whole.subset(site == each), labels) for each in np.unique(site)},
    }


def labelled_predictions(
    predictions: OutOfFoldPredictions, calibration: SiteCalibration, labels: int
) -> LabelledPredictions:
    """Return recordings with their calibrated probabilities, accepted as by the worker."""
    probabilities = calibration.probabilities(predictions)
    accepted = is_accepted(probabilities, labels, calibration.thresholds.of(predictions))
    return LabelledPredictions(predictions.targets, probabilities, accepted, predictions.groups)
