"""Figures of one model by site, by recording and by patient, and their mean and worst over sites."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_tflite.evaluation import proof_worth
from models_tflite.evaluation.bias import log_odds
from models_tflite.evaluation.classification_report import LabelledPredictions, classification_report

SUMMARISED: Final = (
    *("auc", "balanced_accuracy", "specificity", "sensitivity", "expected_calibration_error"),
    *("accepted_fraction", "accuracy_when_accepted"),
)
PATIENTS_KNOWN: Final = ("circor", "bmd-hs")
"""Sites whose recordings name their patient."""


def site_report(labelled: LabelledPredictions, site: str, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures of one site, by recording and, where patients are known, by patient.

    `proof`: what is accepted there once so many hearts of each label are known.
    """
    report = figures(labelled, labels)
    worth = {str(known): proof_worth.worth(labelled, known) for known in proof_worth.KNOWN}
    report["proof"] = {known: of for known, of in worth.items() if of is not None}
    if site in PATIENTS_KNOWN:
        report["by_patient"] = figures(by_patient(labelled), labels)
    return report


def figures(labelled: LabelledPredictions, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the metrics of recordings or patients, and for each label how many were accepted and right."""
    report = classification_report(labelled, labels)
    right = labelled.probabilities[:, : len(labels)].argmax(axis=1) == labelled.targets
    by_label = {
        label: _share(right[labelled.accepted & (labelled.targets == index)])
        for index, label in enumerate(labels)
    }
    known = [share["right"] for share in by_label.values() if share["right"] is not None]
    return {
        **{name: of for name, of in report.items() if name not in ("reliability", "confusion", "per_class")},
        "accepted": by_label,
        "right_when_accepted": min(known, default=None),
    }


def by_patient(labelled: LabelledPredictions) -> LabelledPredictions:
    """Return one prediction per patient: the mean log odds of the recordings; abnormal where one of them is.

    A patient is accepted when most of the recordings are.
    """
    names, patient = np.unique(labelled.groups, return_inverse=True)
    count = np.bincount(patient)
    odds = np.bincount(patient, log_odds(labelled.probabilities)) / count
    abnormal = 1 / (1 + np.exp(-odds))
    return LabelledPredictions(
        np.array([labelled.targets[patient == each].max() for each in range(len(names))], dtype=np.intp),
        np.column_stack([1 - abnormal, abnormal]),
        np.bincount(patient, labelled.accepted) > count / 2,
        names,
    )


def summary(reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the mean and the worst of each figure over sites, and the site of the worst."""
    of_all: dict[str, Any] = {}
    for name in (*SUMMARISED, "right_when_accepted"):
        of_site = {site: report[name] for site, report in reports.items() if report.get(name) is not None}
        if of_site:
            worst = (max if name == "expected_calibration_error" else min)(of_site, key=of_site.__getitem__)
            mean = round(float(np.mean(list(of_site.values()))), 4)
            of_all[name] = {"mean": mean, "worst": of_site[worst], "worst_site": worst}
    return of_all


def _share(right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    return {"n": len(right), "right": round(float(right.mean()), 4) if len(right) else None}
