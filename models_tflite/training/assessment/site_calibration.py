"""Calibration of a model on sites that it was trained without: temperature, thresholds, adaptation.

Of each recording of a site left out the model without that site speaks; of the others that of the fold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from models_tflite.evaluation.bias import NORMAL, log_odds
from models_tflite.training.assessment import acceptance, out_of_fold
from models_tflite.training.assessment.calibration import fit_temperature, recording_probabilities
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions

FloatArray = npt.NDArray[np.float64]
Sites = Mapping[str, OutOfFoldPredictions]
"""Predictions for each site by a model without it."""

MINIMUM_HEARTS: Final = 5
"""Fewest healthy hearts that calibrate a device."""
MIN_RECORDINGS: Final = 20
"""Recordings of healthy hearts from which on a site counts for the spread between sites."""


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """Numbers of a card that are fitted on unseen sites, for a model with the labels normal and abnormal."""

    temperature: float
    thresholds: acceptance.Thresholds
    adaptation: dict[str, Any]
    """The entry `adaptation` of a card, without its spectrum."""

    def probabilities(self, predictions: OutOfFoldPredictions) -> FloatArray:
        """Return the calibrated probabilities of recordings, as the worker: (recordings, outputs)."""
        return recording_probabilities(predictions.logits, predictions.owner, self.temperature).astype(float)

    def applied_to(self, unfamiliar: UnfamiliarDevice) -> UnfamiliarDevice:
        """Return what a card says of unfamiliar devices, with these numbers."""
        by_site = self.thresholds.by_site
        return replace(
            unfamiliar,
            thresholds=tuple(by_site.get(site, 1.0) for site in unfamiliar.familiarity.sites),
            threshold=self.thresholds.unfamiliar,
        )


def fit(
    predictions: OutOfFoldPredictions, sites: Sites, labels: int, without: str | None = None
) -> SiteCalibration:
    """Return the calibration that unseen recordings ask for.

    Args:
        predictions: of the cross-validation.
        sites: those of the models without each site.
        labels: number of labels.
        without: a site whose recordings must not count, because its figures are to be honest; None: none.
    """
    known = predictions.subset(predictions.sites != without)
    unseen = out_of_fold.concatenate([part for site, part in sites.items() if site != without])
    temperature = fit_temperature(known.logits, known.owner, known.targets)
    provisional = SiteCalibration(temperature, acceptance.Thresholds({}, 1.0), adaptation={})
    everything = replace(out_of_fold.concatenate([known, unseen]), float_logits=None)
    names = tuple(sorted(site for site in sites if site != without))
    is_unseen = np.repeat([False, True], [len(known.targets), len(unseen.targets)])
    probabilities = provisional.probabilities(everything)
    thresholds = acceptance.fit(everything, probabilities, labels, names, is_unseen)
    adaptation = _adaptation(unseen, provisional)
    return replace(provisional, thresholds=thresholds, adaptation=adaptation)


def _adaptation(unseen: OutOfFoldPredictions, calibration: SiteCalibration) -> dict[str, Any]:
    """Return the log odds of healthy hearts at unseen sites, as they are and on unfamiliar devices."""
    entry = {**_healthy(unseen, calibration), "minimum_hearts": MINIMUM_HEARTS}
    if unseen.linear_logits is None:
        return entry
    linear = replace(unseen, logits=unseen.linear_logits)
    return {**entry, "unfamiliar": _healthy(linear, calibration)}


def _healthy(unseen: OutOfFoldPredictions, calibration: SiteCalibration) -> dict[str, float]:
    """Return mean and spread of the log odds of healthy hearts, between sites and within one."""
    odds, is_normal = log_odds(calibration.probabilities(unseen)), unseen.targets == NORMAL
    by_site = [odds[is_normal & (unseen.sites == site)] for site in np.unique(unseen.sites)]
    enough = [of_site for of_site in by_site if len(of_site) >= MIN_RECORDINGS]
    means = np.array([of_site.mean() for of_site in enough])
    return {
        "normal_log_odds": round(float(means.mean()), 4),
        "between_sites": round(float(means.std(ddof=1)), 4) if len(means) > 1 else 0.0,
        "within_site": round(float(np.mean([of_site.std() for of_site in enough])), 4),
    }
