"""Figures of exams: recordings of one chest judged together, by the sum of their log odds and by any or all.

A recording is scored by a model that never heard its site. A rule gives an exam a score: positive means
abnormal, and the further from 0 the surer. `sum` adds the log odds of the positions. `any_all` takes the
highest one: abnormal when it is high at any position, normal when it is low at all.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from edge_worker.protocol.exam_evidence import MIN_POSITIONS
from edge_worker.protocol.exam_position import POSITIONS
from models_tflite.evaluation import metrics
from models_tflite.evaluation.metrics import BoolArray, FloatArray, IntArray

RIGHT: Final = 0.9
"""Least fraction of accepted labels that must be right, for each label at each site."""
MIN_ACCEPTED: Final = 5
"""Fewest accepted exams of a site that tell a fraction."""
THRESHOLDS: Final = np.arange(50, 100) / 100
"""Probabilities of the label from which on it may be accepted."""
MAX_WEIGHT: Final = 5.0
LABELS: Final = ("normal", "abnormal")

Names = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Exams:
    """Exams of one or more sites; every array has one entry per exam."""

    summed: FloatArray
    """Sum of the log odds of the positions."""
    highest: FloatArray
    """Highest log odds of a position."""
    is_complete: BoolArray
    """Whether all four standard positions were heard: only then may the exam be normal."""
    is_abnormal: BoolArray
    patients: Names
    sites: Names

    def subset(self, chosen: BoolArray) -> "Exams":
        """Return the exams where `chosen` is true."""
        return Exams(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Least probability of each label from which on it is accepted; None: it never is."""

    normal: float | None
    abnormal: float | None


def combine(
    *, log_odds: FloatArray, targets: IntArray, patients: Names, exams: Names, positions: Names, sites: Names
) -> Exams:
    """Return the exams of recordings; every array has one entry per recording, oldest first.

    At each position the last recording counts, as in `edge_worker.protocol.exam`. An exam is abnormal if any
    of its recordings is: a murmur need not be heard everywhere. Exams of fewer than `MIN_POSITIONS` positions
    are left out.
    """
    by_exam: dict[tuple[str, str, str], dict[str, int]] = {}
    for i, key in enumerate(zip(sites.tolist(), patients.tolist(), exams.tolist(), strict=True)):
        by_exam.setdefault(key, {})[str(positions[i])] = i
    heard = {key: used for key, used in by_exam.items() if len(used) >= MIN_POSITIONS}
    scores = [log_odds[list(used.values())] for used in heard.values()]
    return Exams(
        np.array([score.sum() for score in scores]),
        np.array([score.max() for score in scores]),
        np.array([used.keys() >= POSITIONS.keys() for used in heard.values()], dtype=bool),
        np.array([targets[list(used.values())].any() for used in heard.values()], dtype=bool),
        np.array([patient for _, patient, _ in heard]),
        np.array([site for site, _, _ in heard]),
    )


def fit_weight(exams: Exams) -> float:
    """Return the weight of the sum under which the labels are most likely.

    Each site counts alike, and in it each label: the probability is that of an exam that is as often normal
    as abnormal.
    """
    share = _even_shares(exams)
    margin = np.where(exams.is_abnormal, exams.summed, -exams.summed)
    fitted = minimize_scalar(
        lambda weight: float(share @ np.logaddexp(0, -weight * margin)),
        bounds=(0, MAX_WEIGHT),
        method="bounded",
    )
    return float(fitted.x)


def fit_thresholds(score: FloatArray, exams: Exams) -> Thresholds:
    """Return the lowest thresholds from which on `RIGHT` of each label is right at each site; score: (n,)."""
    return Thresholds(*(_lowest(score, exams, label) for label in LABELS))


def report(exams: Exams, resamples: int = metrics.RESAMPLES) -> dict[str, Any]:
    """Return weight, thresholds and figures of both rules, by site, with 95 % intervals over patients.

    `elsewhere` are the figures of a site with the weight and the thresholds that the other sites chose.
    """
    weight = fit_weight(exams)
    rules = {"sum": weight * exams.summed, "any_all": exams.highest}
    chosen = {name: fit_thresholds(score, exams) for name, score in rules.items()}
    return {
        "weight": round(weight, 3),
        "thresholds": {name: {label: getattr(of, label) for label in LABELS} for name, of in chosen.items()},
        "sites": {
            str(site): {
                name: _ranked(score[at], exams.subset(at), resamples)
                | _accepted(score[at], exams.subset(at), chosen[name])
                | {"elsewhere": _elsewhere(exams, at, name)}
                for name, score in rules.items()
            }
            for site in np.unique(exams.sites)
            for at in (exams.sites == site,)
        },
    }


def _elsewhere(exams: Exams, at: BoolArray, rule: str) -> dict[str, Any] | None:
    """Return what is accepted at a site with the choice of the other sites; None if there are none."""
    if at.all():
        return None
    others, here = exams.subset(~at), exams.subset(at)
    if rule == "any_all":
        return _accepted(here.highest, here, fit_thresholds(others.highest, others))
    weight = fit_weight(others)
    return _accepted(weight * here.summed, here, fit_thresholds(weight * others.summed, others))


def _ranked(score: FloatArray, exams: Exams, resamples: int) -> dict[str, Any]:
    weights = metrics.group_weights(exams.patients, resamples)
    counts = metrics.confusion(exams.is_abnormal.astype(np.intp), (score > 0).astype(np.intp), 2, weights)
    auc = metrics.auc(exams.is_abnormal, score, weights)
    balanced = metrics.balanced_accuracy(counts)
    specificity, sensitivity = metrics.recall(counts[0])
    return {
        "exams": len(score),
        "patients": len(np.unique(exams.patients)),
        "abnormal_exams": int(exams.is_abnormal.sum()),
        "auc": metrics.number(auc[0]),
        "auc_interval": metrics.interval(auc),
        "balanced_accuracy": metrics.number(balanced[0]),
        "balanced_accuracy_interval": metrics.interval(balanced),
        "sensitivity": metrics.number(sensitivity),
        "specificity": metrics.number(specificity),
    }


def _accepted(score: FloatArray, exams: Exams, thresholds: Thresholds) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    accepted = 0
    for label in LABELS:
        sure, right = _of_label(score, exams, label)
        taken = sure >= _logit(getattr(thresholds, label))
        accepted += int(taken.sum())
        figures[label] = {
            "accepted": int(taken.sum()),
            "right": metrics.number(metrics.share(right, taken)),
            "right_interval": metrics.wilson(int(right[taken].sum()), int(taken.sum()))
            if taken.any()
            else None,
            "found": metrics.number(metrics.share(taken, right)),
        }
    return figures | {"coverage": round(accepted / len(score), 4)}


def _of_label(score: FloatArray, exams: Exams, label: str) -> tuple[FloatArray, BoolArray]:
    """Return how sure each exam is of a label, and whether that label is the true one."""
    if label == "abnormal":
        return score, exams.is_abnormal
    return np.where(exams.is_complete, -score, -np.inf), ~exams.is_abnormal


def _lowest(score: FloatArray, exams: Exams, label: str) -> float | None:
    sure, right = _of_label(score, exams, label)
    found = None
    for threshold in THRESHOLDS[::-1].tolist():
        accepted = sure >= _logit(threshold)
        sites = [accepted & (exams.sites == site) for site in np.unique(exams.sites)]
        told = [right[at].mean() for at in sites if at.sum() >= MIN_ACCEPTED]
        if any(share < RIGHT for share in told):
            break
        found = threshold if told else found
    return found


def _logit(probability: float | None) -> float:
    return np.inf if probability is None else float(np.log(probability / (1 - probability)))


def _even_shares(exams: Exams) -> FloatArray:
    """Return the share of each exam, (n,): each site and label together have the same."""
    keys = np.char.add(exams.sites, np.where(exams.is_abnormal, "/1", "/0"))
    _, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    shares: FloatArray = 1 / counts[index] / len(counts)
    return shares
