"""Worth of a calibration: how well a model judges a site when some of its healthy hearts are known.

Half of the healthy patients may teach, all others are judged, whatever the number of hearts that are known:
the figures of 0, 5 and 20 are about the same patients. Patients are drawn many times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.errors import AudioError
from edge_worker.inference.adaptation import AdaptationRule
from edge_worker.inference.device_adaptation import DeviceSpectrum

SEED: Final = 20261129
LEAST_HEALTHY: Final = 4
"""Healthy patients of a site, of whom half teach."""

FloatArray = npt.NDArray[np.float64]
Judge = Callable[[DeviceSpectrum | None], FloatArray]
"""Returns the log odds of all recordings, (recordings,), with the spectrum of the device corrected."""


@dataclass(frozen=True, slots=True)
class SiteRecordings:
    """Usable recordings of one site that training did not hear, heard by one stethoscope."""

    is_abnormal: npt.NDArray[np.bool_]
    """(recordings,)"""
    patients: npt.NDArray[np.str_]
    """(recordings,)"""
    shapes: FloatArray
    """Spectral shapes, (recordings, bands)."""
    judge: Judge


def worth(
    rule: AdaptationRule, site: SiteRecordings, known: Sequence[int], draws: int
) -> dict[str, dict[str, Any]]:
    """Return the figures of a site by the number of healthy hearts that are known.

    With none, the spectrum is that of all recordings and the threshold is not moved, as in the worker.

    Raises:
        AudioError: the site has too few healthy patients, or no sick ones.
    """
    _require_patients(site)
    random = np.random.default_rng(SEED)
    drawn: dict[int, list[dict[str, float]]] = {count: [] for count in known}
    for _ in range(draws):
        healthy = random.permutation(np.unique(site.patients[~site.is_abnormal]))
        teachers = healthy[: len(healthy) // 2]
        order = _in_turn(site, teachers, random)
        is_judged = ~np.isin(site.patients, teachers)
        for count, figures in drawn.items():
            figures.append(_figures(rule, site, order[:count], is_judged))
    return {str(count): _summary(figures) for count, figures in drawn.items()}


def _require_patients(site: SiteRecordings) -> None:
    healthy = len(np.unique(site.patients[~site.is_abnormal]))
    if healthy < LEAST_HEALTHY or not site.is_abnormal.any():
        raise AudioError(
            f"the site has usable recordings of {healthy} healthy patients: name one with {LEAST_HEALTHY} or "
            "more, and with sick ones"
        )


def _in_turn(
    site: SiteRecordings, teachers: npt.NDArray[np.str_], random: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Return the recordings of the teachers: one of each, then a second of each, and so on."""
    places = [random.permutation(np.flatnonzero(site.patients == teacher)) for teacher in teachers]
    turns = [(turn, row) for rows in places for turn, row in enumerate(rows.tolist())]
    return np.array([row for _, row in sorted(turns, key=lambda each: each[0])], dtype=np.intp)


def _figures(
    rule: AdaptationRule,
    site: SiteRecordings,
    taught: npt.NDArray[np.intp],
    is_judged: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """Return shift, sensitivity and specificity of one draw, by recording and by patient."""
    heard = taught if len(taught) else np.arange(len(site.shapes))
    spectrum = DeviceSpectrum(tuple(site.shapes[heard].mean(axis=0).tolist()), len(heard))
    odds = site.judge(spectrum if rule.reference_weight else None)
    shift = rule.shift(odds[taught].tolist()) if len(taught) else 0.0
    moved, is_abnormal, patients = (
        odds[is_judged] - shift,
        site.is_abnormal[is_judged],
        site.patients[is_judged],
    )
    names, of_patient = np.unique(patients, return_inverse=True)
    sums = np.bincount(of_patient, moved, len(names))
    is_sick = np.bincount(of_patient, is_abnormal, len(names)) > 0
    figures = {"hearts": float(len(taught)), "shift": shift}
    for kind, values, truth in (("recording", moved, is_abnormal), ("patient", sums, is_sick)):
        sensitivity, specificity = float((values[truth] > 0).mean()), float((values[~truth] <= 0).mean())
        figures |= {
            f"{kind}_sensitivity": sensitivity,
            f"{kind}_specificity": specificity,
            f"{kind}_balanced_accuracy": (sensitivity + specificity) / 2,
        }
    return figures


def _summary(figures: list[dict[str, float]]) -> dict[str, Any]:
    """Return the mean of each figure over the draws, and the range of 95 % of them."""
    summary: dict[str, Any] = {}
    for name in figures[0]:
        values = [each[name] for each in figures]
        low, high = np.percentile(values, (2.5, 97.5))
        summary[name] = [round(float(value), 3) for value in (np.mean(values), low, high)]
    return summary
