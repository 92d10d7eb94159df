"""Quality model: two logistic regressions that score whether a sound is a heart, and a clear one.

Each works on the standardised quality features and their squares (too much and too little may both be wrong).
`quality_model.json` holds every coefficient, the recordings it was fitted to and its figures on others;
`models_tflite.training.quality` writes it.
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
"""Standardised features are clipped to plus or minus this value: nothing is known about more extreme ones."""


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """Logistic regression over standardised features and their squares."""

    weights: FloatArray
    """(2, features): of the standardised features, and of their squares."""
    bias: float
    threshold: float
    """Lowest probability of a yes, 0..1."""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "LogisticRegression":
        """Return the regression of a JSON object; features without weights count 0.

        Raises:
            KeyError: the bias, the threshold or the weights are missing.
        """
        weights = np.array([document["weights"].get(name, (0.0, 0.0)) for name in QualityFeatures._fields])
        return cls(weights.T, document["bias"], document["threshold"])

    def probabilities(self, standard: FloatArray) -> FloatArray:
        """Return the probabilities of a yes for standardised features (sounds, features): (sounds,)."""
        logit = standard @ self.weights[0] + np.square(standard) @ self.weights[1] + self.bias
        probabilities: FloatArray = 1 / (1 + np.exp(-logit))
        return probabilities


@dataclass(frozen=True, slots=True)
class QualityModel:
    """Both regressions, and the standardisation of their features."""

    mean: FloatArray
    deviation: FloatArray
    heart: LogisticRegression
    """Hearts against all other sounds."""
    clear: LogisticRegression
    """Recordings that annotators found good against those that they found poor."""

    @classmethod
    def parse(cls, text: str) -> "QualityModel":
        """Return the model of a JSON text; raises ValueError, KeyError or TypeError when it is none."""
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

    def standardised(self, features: FloatArray) -> FloatArray:
        """Return features (sounds, features) as clipped multiples of their deviation from their mean."""
        standard: FloatArray = (features - self.mean) / self.deviation
        return standard.clip(-MAX_DEVIATIONS, MAX_DEVIATIONS)


@lru_cache(maxsize=1)
def load_shipped() -> QualityModel:
    """Return the quality model that is shipped beside this file."""
    return QualityModel.parse(FILE.read_text(encoding="utf-8"))
