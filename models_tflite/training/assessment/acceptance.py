"""Confidence from which on a label is accepted, for each training site whose devices are nearest.

Fitted on sites that a model was trained without, and on unseen groups of known sites: a label is accepted
only where `RIGHT` of those accepted are right, for each label and at each site that they come from. A device
that no site of training stands for is like a site left out: nothing is accepted unless the thresholds of the
others hold at each site left out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.stats

from edge_worker.inference.unfamiliar_device import FAMILIAR
from models_tflite.evaluation.classification_report import is_accepted
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

RIGHT: Final = 0.9
"""Share of accepted recordings of a label at a site that must get it."""
MIN_ACCEPTED: Final = 10
"""Accepted recordings of a label and a site from which on their share counts: fewer say little."""
SIGNIFICANT: Final = 0.01
"""Chance of so few right ones, were their share `RIGHT`, under which thresholds do not hold at a site."""
STEP: Final = 0.005
CANDIDATES: Final = np.arange(0.5, 1, STEP).round(3)
RULE: Final = (
    "for each nearest site the lowest from 0.5 on at which, of accepted recordings of each label and each "
    f"site that fall there, {100 * RIGHT:g} % are right, by models that did not hear their site or their "
    "patient; 1, so none, where there is no such confidence, and everywhere if thresholds that are fitted "
    "without a site are significantly wrong there"
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Lowest confidence of an accepted label, 0..1."""

    by_site: dict[str, float]
    """By the nearest site, for familiar devices."""
    unfamiliar: float

    def of(self, predictions: OutOfFoldPredictions) -> FloatArray:
        """Return the threshold of each recording, (recordings,); 1 where it is strange."""
        is_familiar, nearest, is_strange = _device_facts(predictions)
        by_nearest = np.array([self.by_site.get(site, 1.0) for site in nearest])
        return np.where(is_strange, 1.0, np.where(is_familiar, by_nearest, self.unfamiliar))


def fit(
    predictions: OutOfFoldPredictions,
    probabilities: FloatArray,
    labels: int,
    sites: tuple[str, ...],
    is_unseen: BoolArray,
) -> Thresholds:
    """Return the thresholds that unseen recordings ask for.

    Args:
        predictions: recordings with their sites and device facts.
        probabilities: calibrated, (recordings, outputs).
        labels: number of labels, background not counted.
        sites: of the model that the thresholds are for.
        is_unseen: whether the model of each recording was trained without its site, (recordings,).
    """
    for left_out in np.unique(predictions.sites[is_unseen]):
        others = predictions.sites != left_out
        known = tuple(site for site in sites if site != left_out)
        thresholds = _fit(predictions.subset(others), probabilities[others], labels, known)
        here = ~others & is_unseen
        if not _holds(thresholds, predictions.subset(here), probabilities[here], labels):
            return Thresholds({}, 1.0)
    return _fit(predictions, probabilities, labels, sites)


def _fit(
    predictions: OutOfFoldPredictions, probabilities: FloatArray, labels: int, sites: tuple[str, ...]
) -> Thresholds:
    """Return the lowest thresholds at which the share of right ones holds for each label and site."""
    is_familiar, nearest, is_strange = _device_facts(predictions)
    usable = ~is_strange & (predictions.targets < labels)
    confidence = probabilities[:, :labels].max(axis=1)
    tempting = usable & is_accepted(probabilities, labels, 0.0)
    right = probabilities[:, :labels].argmax(axis=1) == predictions.targets
    cell = np.char.add(predictions.sites, predictions.targets.astype(str))

    def lowest(chosen: BoolArray) -> float:
        part = tempting & chosen
        return _lowest(confidence[part], right[part], cell[part])

    return Thresholds({site: lowest(is_familiar & (nearest == site)) for site in sites}, lowest(~is_familiar))


def _holds(
    thresholds: Thresholds, predictions: OutOfFoldPredictions, probabilities: FloatArray, labels: int
) -> bool:
    """Return whether no label at one site is right significantly less often than `RIGHT` where accepted."""
    accepted = is_accepted(probabilities, labels, thresholds.of(predictions))
    right = probabilities[:, :labels].argmax(axis=1) == predictions.targets
    of_label = [right[accepted & (predictions.targets == label)] for label in range(labels)]
    chance = [scipy.stats.binom.cdf(each.sum(), len(each), RIGHT) for each in of_label]
    return bool(min(chance) >= SIGNIFICANT)


def _lowest(confidence: FloatArray, right: BoolArray, cell: npt.NDArray[np.str_]) -> float:
    """Return the lowest candidate at which every cell is right often enough; 1 where that accepts nothing."""
    for threshold in CANDIDATES:
        accepted = confidence >= threshold
        names, index, count = np.unique(cell[accepted], return_inverse=True, return_counts=True)
        share = np.bincount(index, right[accepted], len(names)) / np.maximum(count, 1)
        if (count >= MIN_ACCEPTED).any() and (share[count >= MIN_ACCEPTED] >= RIGHT).all():
            return float(threshold)
    return 1.0


def _device_facts(
    predictions: OutOfFoldPredictions,
) -> tuple[BoolArray, npt.NDArray[np.str_], BoolArray]:
    """Return whether each recording's device is familiar, its nearest site, and whether it is strange."""
    familiarity, nearest, is_strange = (
        predictions.familiarity,
        predictions.nearest,
        predictions.is_strange,
    )
    if familiarity is None or nearest is None or is_strange is None:
        raise ValueError("these predictions do not tell familiar devices from others")
    return familiarity >= FAMILIAR, nearest, is_strange
