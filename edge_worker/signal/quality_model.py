"""Two scores of a sound from its measures: is this a heart, and is it clear.

Each is a logistic regression over the standardised measures and their squares (too much and too little may
both be wrong). `quality_model.json` has every number, and says from which recordings it was fitted and how
right it was on others; `models_tflite.training.quality` writes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.quality_features import QualityFeatures

FloatArray = npt.NDArray[np.float64]

FILE: Final = Path(__file__).with_name("quality_model.json")
MAX_DEVIATIONS: Final = 3.0
"""A measure counts no more than this far from the mean: nothing is known of what is further out."""


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """One logistic regression."""

    weights: FloatArray
    """(2, measures): of the standardised measures, of their squares."""
    bias: float
    threshold: float
    """Probability from which on the answer is yes, 0..1."""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "LogisticRegression":
        """Read it from JSON; raises KeyError when a measure is missing. One that is not named counts 0."""
        weights = np.array([document["weights"].get(name, (0.0, 0.0)) for name in QualityFeatures._fields])
        return cls(weights.T, document["bias"], document["threshold"])

    def probability(self, standard: FloatArray) -> float:
        """Return the probability that standardised measures (measures,) make of a yes."""
        logit = self.weights[0] @ standard + self.weights[1] @ np.square(standard) + self.bias
        return float(1 / (1 + np.exp(-logit)))


@dataclass(frozen=True, slots=True)
class QualityModel:
    """Both scores and how measures are standardised for them."""

    mean: FloatArray
    deviation: FloatArray
    heart: LogisticRegression
    """Hearts against everything else that a microphone hears."""
    clear: LogisticRegression
    """Recordings that people found good against those that they found poor."""

    @classmethod
    def parse(cls, text: str) -> "QualityModel":
        """Read it from JSON; raises ValueError, KeyError or TypeError when it is not one."""
        document = json.loads(text)
        standard = np.array(
            [document["standard"][name] for name in QualityFeatures._fields], dtype=np.float64
        )
        mean, deviation = standard.T
        return cls(
            mean,
            deviation,
            LogisticRegression.parse(document["heart"]),
            LogisticRegression.parse(document["clear"]),
        )

    def standardised(self, measures: QualityFeatures) -> FloatArray:
        """Return measures in deviations from their mean, (measures,)."""
        standard: FloatArray = (np.array(measures) - self.mean) / self.deviation
        return standard.clip(-MAX_DEVIATIONS, MAX_DEVIATIONS)


@lru_cache(maxsize=1)
def load_shipped() -> QualityModel:
    """Return the scorecard that stands beside this file."""
    return QualityModel.parse(FILE.read_text(encoding="utf-8"))
