"""Adaptation rule of a model: how a stethoscope that training did not hear moves its threshold and spectrum.

The optional object `adaptation` of a model card, measured on sites that training did not hear. The bias of a
device is estimated from hearts that are known to be healthy, by empirical Bayes with a normal prior over
sites and a normal likelihood (Morris, JASA 1983): few hearts move it little, many move it by what they show.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array

ABNORMAL: Final = "abnormal"
NORMAL: Final = "normal"
LEAST_PROBABILITY: Final = 1e-4
"""Probabilities are limited to this from below before their logarithm."""
LARGEST_CORRECTION_DB: Final = 12.0
"""A band is corrected by at most this: larger differences are noise, not the response of a device."""
HALF_WEIGHT: Final = 10
"""Recordings in a spectral reference at which it counts half."""


@dataclass(frozen=True, slots=True)
class AdaptationRule:
    """Figures of the object `adaptation` of a card, for a model with the labels normal and abnormal."""

    normal_log_odds: float
    """Mean log odds (abnormal to normal, natural) of healthy hearts at the sites of training."""
    between_sites: float
    """Standard deviation, between sites, of the mean log odds of healthy hearts."""
    within_site: float
    """Standard deviation of the log odds of healthy hearts at one site."""
    reference_db: tuple[float, ...]
    """Spectral shape that training heard, one level a band, of mean 0."""
    minimum_hearts: int
    """Fewest healthy hearts of a calibration."""
    reference_weight: float = 0.0
    """Weight of the correction of the spectrum, 0..1; 0: the spectrum is left alone."""
    unfamiliar: tuple[float, float, float] | None = None
    """`normal_log_odds`, `between_sites` and `within_site` on a device that is not familiar at all, where a
    part of the model does not count; None: the same."""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Return the rule in the object `adaptation` of a card.

        Raises:
            ValueError, KeyError, TypeError: it is none; the message is a clause.
        """
        rule = cls(
            normal_log_odds=float(document["normal_log_odds"]),
            between_sites=float(document["between_sites"]),
            within_site=float(document["within_site"]),
            reference_db=tuple(float(level) for level in document["reference_db"]),
            minimum_hearts=int(document["minimum_hearts"]),
            reference_weight=float(document.get("reference_weight", 0.0)),
            unfamiliar=None if "unfamiliar" not in document else _healthy_hearts(document["unfamiliar"]),
        )
        rules = {
            "a finite normal_log_odds": math.isfinite(rule.normal_log_odds),
            "a between_sites of 0 or more": 0 <= rule.between_sites < math.inf,
            "a within_site above 0": 0 < rule.within_site < math.inf,
            "finite levels in reference_db": all(map(math.isfinite, rule.reference_db)),
            "a minimum_hearts of 2 or more": rule.minimum_hearts > 1,
            "a reference_weight from 0 to 1": 0 <= rule.reference_weight <= 1,
            "a mean and two deviations of unfamiliar devices": rule.unfamiliar is None
            or (math.isfinite(rule.unfamiliar[0]) and min(rule.unfamiliar[1:]) >= 0 < rule.unfamiliar[2]),
        }
        for name, is_met in rules.items():
            if not is_met:
                raise ValueError(f"its adaptation needs {name}")
        return rule

    def at(self, familiarity: float | None) -> Self:
        """Return the rule for devices of a familiarity, 0..1, between familiar and unfamiliar ones."""
        if self.unfamiliar is None or familiarity is None:
            return self
        familiar = (self.normal_log_odds, self.between_sites, self.within_site)
        normal, between, within = (
            familiarity * at_home + (1 - familiarity) * abroad
            for at_home, abroad in zip(familiar, self.unfamiliar, strict=True)
        )
        return replace(self, normal_log_odds=normal, between_sites=between, within_site=within)

    def shift(self, healthy_log_odds: Sequence[float]) -> float:
        """Return the bias of a device from the log odds of healthy hearts, at least one.

        The posterior mean of a normal prior over sites: (m - m0) * tau^2 / (tau^2 + sigma^2 / n), with m the
        mean of n log odds, m0 `normal_log_odds`, tau `between_sites` and sigma `within_site`.
        """
        between, within = self.between_sites**2, self.within_site**2 / len(healthy_log_odds)
        return (float(np.mean(healthy_log_odds)) - self.normal_log_odds) * between / (between + within)

    def correction_db(self, levels_db: Sequence[float], recordings: int) -> Float32Array:
        """Return what is added to each band of a device that so many recordings describe, (bands,).

        `levels_db` is the mean `spectral_shape` of its hearts. The weight grows with their number.
        """
        weight = self.reference_weight * recordings / (recordings + HALF_WEIGHT)
        difference = np.subtract(self.reference_db, levels_db)
        limited = difference.clip(-LARGEST_CORRECTION_DB, LARGEST_CORRECTION_DB)
        correction: Float32Array = (weight * limited).astype(np.float32)
        return correction


def _healthy_hearts(document: Mapping[str, Any]) -> tuple[float, float, float]:
    normal, between, within = (
        float(document[name]) for name in ("normal_log_odds", "between_sites", "within_site")
    )
    return normal, between, within


def log_odds(probabilities: Mapping[str, float]) -> float:
    """Return ln(p(abnormal) / p(normal)) of the calibrated probabilities of a recording."""
    abnormal, normal = (max(probabilities[label], LEAST_PROBABILITY) for label in (ABNORMAL, NORMAL))
    return math.log(abnormal / normal)


def shifted(
    probabilities: npt.NDArray[np.float64], labels: Sequence[str], shift: float
) -> npt.NDArray[np.float64]:
    """Return probabilities (outputs,) whose log odds, abnormal to normal, are smaller by `shift`.

    The sum of the two stays as it is, and so does that of a background output.
    """
    abnormal, normal = labels.index(ABNORMAL), labels.index(NORMAL)
    total = probabilities[abnormal] + probabilities[normal]
    moved = probabilities[abnormal] * math.exp(-shift)
    result = probabilities.copy()
    if total > 0:
        result[abnormal] = total * moved / (moved + probabilities[normal])
        result[normal] = total * probabilities[normal] / (moved + probabilities[normal])
    return result
