"""Worth of a proof: what a model accepts at a site once some of its hearts are known, and how much is right.

Patients are drawn many times; those that are known prove, all others are judged.
"""

from typing import Any, Final

import numpy as np

from edge_worker.inference import device_proof
from models_tflite.evaluation.bias import ABNORMAL, NORMAL, log_odds, shifted
from models_tflite.evaluation.classification_report import LabelledPredictions, is_accepted

KNOWN: Final = (50, 100)
"""Known recordings of each label."""
DRAWS: Final = 50
LEAST_JUDGED: Final = 5
"""Fewest recordings of each label that are left to be judged."""
SEED: Final = 20261129


def worth(labelled: LabelledPredictions, known: int) -> dict[str, Any] | None:
    """Return the figures of a site with so many known hearts of each label, None where it has too few.

    `proven` is the share of draws after which labels are accepted, `accepted_fraction` the mean over all
    draws; `right` by label is pooled over them.
    """
    random = np.random.default_rng(SEED)
    rows = [row for _ in range(DRAWS) if (row := _draw(labelled, known, random)) is not None]
    if not rows:
        return None
    counts = np.array(rows)
    accepted, right = counts[:, 1:3].sum(axis=0), counts[:, 3:5].sum(axis=0)
    by_label = [round(float(r / a), 4) if a else None for r, a in zip(right, accepted, strict=True)]
    return {
        "draws": len(rows),
        "proven": round(float((counts[:, 0] > 0).mean()), 4),
        "accepted_fraction": round(float(counts[:, 0].mean()), 4),
        "right": {"normal": by_label[0], "abnormal": by_label[1]},
    }


def _draw(labelled: LabelledPredictions, known: int, random: np.random.Generator) -> list[float] | None:
    """Return coverage, accepted and right ones of each label after one draw of patients."""
    names, patient = np.unique(labelled.groups, return_inverse=True)
    order = np.argsort(random.permutation(len(names))[patient], kind="stable")
    of_label = [order[labelled.targets[order] == label][:known] for label in (NORMAL, ABNORMAL)]
    taught = np.concatenate(of_label)
    is_judged = ~np.isin(patient, patient[taught])
    left = [int((is_judged & (labelled.targets == label)).sum()) for label in (NORMAL, ABNORMAL)]
    if min(map(len, of_label)) < known or min(left) < LEAST_JUDGED:
        return None
    is_abnormal = labelled.targets == ABNORMAL
    odds = log_odds(labelled.probabilities[taught]).tolist()
    probabilities = shifted(labelled.probabilities, device_proof.midpoint(odds, is_abnormal[taught].tolist()))
    right = (probabilities[:, ABNORMAL] > probabilities[:, NORMAL]) == is_abnormal
    confidence = probabilities[:, :2].max(axis=1)
    threshold = device_proof.least_confidence(
        confidence[taught].tolist(), right[taught].tolist(), is_abnormal[taught].tolist()
    )
    accepted = is_judged & is_accepted(probabilities, 2, threshold)
    counts = [int((accepted & (is_abnormal == label)).sum()) for label in (False, True)]
    hits = [int((accepted & right & (is_abnormal == label)).sum()) for label in (False, True)]
    return [float(accepted.sum() / is_judged.sum()), *counts, *hits]
