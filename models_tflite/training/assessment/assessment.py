"""What a recipe reaches on groups it never heard: from out-of-fold predictions to calibration and figures.

Cross-fitted: the temperature and the threshold that a fold is judged with come from the other folds, so that
confidence, coverage and rejection are as honest as accuracy. Shipped are those fitted on all folds.
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
    rule,
)
from models_tflite.training.assessment.out_of_fold import OutOfFold, StrArray
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.recipe import Recipe

HOW: Final = (
    "Each recording was judged by an int8 model that never heard its group, at the temperature and the "
    "threshold of the other folds. The shipped model was trained on all groups by the same recipe. Intervals "
    "hold 95 %: bootstrap over groups, where there are five or more."
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Calibration and figures of a recipe."""

    temperature: float
    threshold: float
    threshold_rule: str
    figures: dict[str, Any]


def assess(unheard: OutOfFold, recipe: Recipe, away: OutOfFold | None = None) -> Assessment:
    """Return the figures of out-of-fold predictions, and of sites that were held out whole (`away`).

    Raises:
        TrainingError: there is one fold only, and so none that could calibrate it.
    """
    if len(np.unique(unheard.fold)) < 2:  # noqa: PLR2004 one to calibrate, one to judge
        raise TrainingError(
            "predictions of one fold cannot be calibrated by another: give those of all folds"
        )
    temperature, threshold = _calibrated(unheard, recipe)
    judged, by_fold = _cross_fitted(unheard, recipe)
    has_others = bool((unheard.targets == len(recipe.labels)).any())
    return Assessment(
        temperature,
        threshold,
        rule(recipe.coverage, recipe.rejection, has_others=has_others),
        {
            "how": HOW,
            "cross_validation": {
                "folds": len(by_fold),
                **classification_report(judged, recipe.labels),
                "by_fold": by_fold,
            },
            "before_int8": _before_int8(unheard, recipe, temperature),
            "by_site": _by_site(judged, unheard.sites, recipe.labels),
            "site_held_out": {} if away is None else _held_out(away, recipe, temperature, threshold),
        },
    )


def _calibrated(unheard: OutOfFold, recipe: Recipe) -> tuple[float, float]:
    """Return the temperature and the threshold that these predictions ask for."""
    temperature = fit_temperature(unheard.logits, unheard.owner, unheard.targets)
    probabilities = recording_probabilities(unheard.logits, unheard.owner, temperature)
    threshold = fit_threshold(
        probabilities,
        unheard.targets,
        len(recipe.labels),
        recipe.coverage,
        recipe.rejection,
        sites=unheard.sites,
    )
    return temperature, threshold


def _cross_fitted(unheard: OutOfFold, recipe: Recipe) -> tuple[LabelledPredictions, list[dict[str, Any]]]:
    """Return every recording as judged with the calibration of the other folds, and each fold's figures."""
    probabilities = np.zeros((len(unheard.targets), recipe.outputs))
    accepted = np.zeros(len(unheard.targets), dtype=bool)
    calibrations = []
    for k in np.unique(unheard.fold):
        here = unheard.fold == k
        temperature, threshold = _calibrated(unheard.subset(~here), recipe)
        part = unheard.subset(here)
        probabilities[here] = recording_probabilities(part.logits, part.owner, temperature)
        accepted[here] = is_accepted(probabilities[here], len(recipe.labels), threshold)
        calibrations.append((here, {"temperature": round(temperature, 4), "threshold": threshold}))
    judged = LabelledPredictions(unheard.targets, probabilities, accepted, unheard.groups)
    return judged, [
        {**calibration, **_in_short(classification_report(judged.subset(here), recipe.labels))}
        for here, calibration in calibrations
    ]


def _before_int8(unheard: OutOfFold, recipe: Recipe, temperature: float) -> dict[str, Any] | None:
    """Return what the float models reached, and how much more their int8 form did (below 0: less)."""
    if unheard.float_logits is None:
        return None
    known = unheard.targets < len(recipe.labels)
    before, after = (
        recording_probabilities(logits, unheard.owner, temperature)[known, : len(recipe.labels)].argmax(
            axis=1
        )
        for logits in (unheard.float_logits, unheard.logits)
    )
    report: dict[str, Any] = {"same_label": metrics.number(float((before == after).mean()))}
    gain = {}
    for name, figure in (("accuracy", metrics.accuracy), ("balanced_accuracy", metrics.balanced_accuracy)):
        float_value, int8_value = (
            float(figure(metrics.confusion(unheard.targets[known], said, len(recipe.labels))))
            for said in (before, after)
        )
        report[name], gain[name] = metrics.number(float_value), metrics.number(int8_value - float_value)
    return {**report, "int8_minus_float": gain}


def _held_out(away: OutOfFold, recipe: Recipe, temperature: float, threshold: float) -> dict[str, Any]:
    probabilities = recording_probabilities(away.logits, away.owner, temperature)
    accepted = is_accepted(probabilities, len(recipe.labels), threshold)
    judged = LabelledPredictions(away.targets, probabilities, accepted, away.groups)
    return _by_site(judged, away.sites, recipe.labels)


def _by_site(judged: LabelledPredictions, sites: StrArray, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        str(site): _in_short(classification_report(judged.subset(sites == site), labels))
        for site in np.unique(sites)
    }


def _in_short(report: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a part without its curve and its table: too few recordings for them."""
    return {name: of for name, of in report.items() if name not in ("reliability", "confusion")}
