"""Assessment of a recipe: calibration and figures from out-of-fold predictions.

Cross-fitted: the temperature and the threshold of a fold come from the other folds, so that confidence,
coverage and rejection are as honest as accuracy. Those that ship are fitted on all folds.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models_tflite.evaluation import metrics
from models_tflite.evaluation.classification_report import (
    LabelledPredictions,
    classification_report,
    is_accepted,
)
from models_tflite.training.assessment.calibration import (
    fit_temperature,
    fit_threshold,
    recording_probabilities,
    threshold_rule,
)
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions, StrArray
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.recipe import Recipe

HOW: Final = (
    "Each recording was classified by an int8 model that was trained without its group, with the temperature "
    "and the threshold of the other folds. The shipped model was trained on all groups by the same recipe. "
    "Intervals hold 95 %: bootstrap over groups, where there are five or more."
)
"""The card's note on the figures."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Calibration and figures of a recipe."""

    temperature: float
    threshold: float
    threshold_rule: str
    figures: dict[str, Any]


def assess(
    predictions: OutOfFoldPredictions, recipe: Recipe, held_out_sites: OutOfFoldPredictions | None = None
) -> Assessment:
    """Return calibration and figures from out-of-fold predictions.

    Args:
        predictions: of the cross-validation.
        recipe: of the model.
        held_out_sites: predictions for sites by models trained without them; None: there are none.

    Raises:
        TrainingError: there is one fold only, and so none to calibrate it by.
    """
    if len(np.unique(predictions.fold)) < 2:  # noqa: PLR2004 one to calibrate, one to evaluate
        raise TrainingError(
            "predictions of one fold cannot be calibrated by another: give those of all folds"
        )
    temperature, threshold = _calibrated(predictions, recipe)
    labelled, by_fold = _cross_fitted(predictions, recipe)
    has_background = bool((predictions.targets == len(recipe.labels)).any())
    return Assessment(
        temperature,
        threshold,
        threshold_rule(recipe.coverage, recipe.rejection, has_others=has_background),
        {
            "how": HOW,
            "cross_validation": {
                "folds": len(by_fold),
                **classification_report(labelled, recipe.labels),
                "by_fold": by_fold,
            },
            "before_int8": _before_int8(predictions, recipe, temperature),
            "by_site": _by_site(labelled, predictions.sites, recipe.labels),
            "site_held_out": {}
            if held_out_sites is None
            else _by_held_out_site(held_out_sites, recipe, temperature, threshold),
        },
    )


def _calibrated(predictions: OutOfFoldPredictions, recipe: Recipe) -> tuple[float, float]:
    """Return the temperature and the threshold fitted to these predictions."""
    temperature = fit_temperature(predictions.logits, predictions.owner, predictions.targets)
    probabilities = recording_probabilities(predictions.logits, predictions.owner, temperature)
    threshold = fit_threshold(
        probabilities,
        predictions.targets,
        len(recipe.labels),
        recipe.coverage,
        recipe.rejection,
        sites=predictions.sites,
    )
    return temperature, threshold


def _cross_fitted(
    predictions: OutOfFoldPredictions, recipe: Recipe
) -> tuple[LabelledPredictions, list[dict[str, Any]]]:
    """Return every recording with the calibration of the other folds, and the figures of each fold."""
    probabilities = np.zeros((len(predictions.targets), recipe.outputs))
    accepted = np.zeros(len(predictions.targets), dtype=bool)
    calibrations = []
    for k in np.unique(predictions.fold):
        in_fold = predictions.fold == k
        temperature, threshold = _calibrated(predictions.subset(~in_fold), recipe)
        part = predictions.subset(in_fold)
        probabilities[in_fold] = recording_probabilities(part.logits, part.owner, temperature)
        accepted[in_fold] = is_accepted(probabilities[in_fold], len(recipe.labels), threshold)
        calibrations.append((in_fold, {"temperature": round(temperature, 4), "threshold": threshold}))
    labelled = LabelledPredictions(predictions.targets, probabilities, accepted, predictions.groups)
    return labelled, [
        {**calibration, **_summary(classification_report(labelled.subset(in_fold), recipe.labels))}
        for in_fold, calibration in calibrations
    ]


def _before_int8(
    predictions: OutOfFoldPredictions, recipe: Recipe, temperature: float
) -> dict[str, Any] | None:
    """Return the figures of the float models, and the gain of the int8 models over them (below 0: loss)."""
    if predictions.float_logits is None:
        return None
    known = predictions.targets < len(recipe.labels)
    float_labels, int8_labels = (
        recording_probabilities(logits, predictions.owner, temperature)[known, : len(recipe.labels)].argmax(
            axis=1
        )
        for logits in (predictions.float_logits, predictions.logits)
    )
    report: dict[str, Any] = {"same_label": metrics.number(float((float_labels == int8_labels).mean()))}
    gain = {}
    for name, figure in (("accuracy", metrics.accuracy), ("balanced_accuracy", metrics.balanced_accuracy)):
        float_value, int8_value = (
            float(figure(metrics.confusion(predictions.targets[known], predicted, len(recipe.labels))))
            for predicted in (float_labels, int8_labels)
        )
        report[name], gain[name] = metrics.number(float_value), metrics.number(int8_value - float_value)
    return {**report, "int8_minus_float": gain}


def _by_held_out_site(
    held_out_sites: OutOfFoldPredictions, recipe: Recipe, temperature: float, threshold: float
) -> dict[str, Any]:
    """Return the figures of each site that was held out whole."""
    probabilities = recording_probabilities(held_out_sites.logits, held_out_sites.owner, temperature)
    accepted = is_accepted(probabilities, len(recipe.labels), threshold)
    labelled = LabelledPredictions(held_out_sites.targets, probabilities, accepted, held_out_sites.groups)
    return _by_site(labelled, held_out_sites.sites, recipe.labels)


def _by_site(labelled: LabelledPredictions, sites: StrArray, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        str(site): _summary(classification_report(labelled.subset(sites == site), labels))
        for site in np.unique(sites)
    }


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a part without reliability curve and confusion matrix: too few recordings."""
    return {name: of for name, of in report.items() if name not in ("reliability", "confusion")}
