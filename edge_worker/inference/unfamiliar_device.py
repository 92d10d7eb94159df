"""Classification on devices that training did not hear: a linear model of state contrasts.

A network that learns from a few sites learns their devices, too, and is wrong with confidence on others. The
linear model sees only what a device hardly changes (`state_contrasts`) and counts on every device; the
network counts as far as a device is familiar.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.familiarity import DeviceDistance, Familiarity
from edge_worker.inference.state_contrasts import NUMBERS, state_contrasts
from edge_worker.signal.arrays import Float32Array

FloatArray = npt.NDArray[np.float64]

FAMILIAR: Final = 0.5
"""Familiarity from which on the threshold of the nearest site holds, and below it that of unfamiliar ones."""


@dataclass(frozen=True, slots=True)
class UnfamiliarDevice:
    """The entry `unfamiliar_device` of a model card."""

    familiarity: Familiarity
    mean: FloatArray
    """(NUMBERS,): of the contrasts in training."""
    deviation: FloatArray
    """(NUMBERS,): their standard deviation."""
    weights: FloatArray
    """(outputs, NUMBERS + 1): of standardised contrasts and, last, the bias."""
    max_strangeness: float
    """Largest mean square of the standardised contrasts of a recording whose label is accepted."""
    thresholds: tuple[float, ...]
    """Lowest confidence of an accepted label, by the nearest site; 1: none is accepted."""
    threshold: float
    """The same on devices that are familiar with no site."""

    @classmethod
    def parse(cls, document: dict[str, Any], outputs: int) -> "UnfamiliarDevice":
        """Return the entry of a card; raises ValueError, KeyError or TypeError when it is none."""
        mean, deviation, weights = (
            np.array(document[name], dtype=np.float64) for name in ("mean", "deviation", "weights")
        )
        parsed = cls(
            familiarity=Familiarity.parse(document["familiarity"]),
            mean=mean,
            deviation=deviation,
            weights=weights,
            max_strangeness=float(document["max_strangeness"]),
            thresholds=tuple(float(threshold) for threshold in document["thresholds"]),
            threshold=float(document["threshold"]),
        )
        parsed._check(outputs)
        return parsed

    def _check(self, outputs: int) -> None:
        shapes = (self.mean.shape, self.deviation.shape, self.weights.shape, len(self.thresholds))
        if shapes != ((NUMBERS,), (NUMBERS,), (outputs, NUMBERS + 1), len(self.familiarity.sites)):
            raise ValueError(
                f"its unfamiliar_device needs {NUMBERS} means and deviations, one weight more for each "
                "output, and a threshold for each site"
            )
        numbers = np.concatenate([self.mean, self.weights.ravel(), self.deviation])
        if not (np.isfinite(numbers).all() and (self.deviation > 0).all()):
            raise ValueError("its unfamiliar_device needs finite numbers, and deviations above 0")
        if not all(0 <= threshold <= 1 for threshold in (*self.thresholds, self.threshold)):
            raise ValueError("its unfamiliar_device needs thresholds from 0 to 1")

    def document(self) -> dict[str, Any]:
        """Return the entry of a card."""
        return {
            "max_strangeness": round(self.max_strangeness, 3),
            "threshold": round(self.threshold, 3),
            "thresholds": [round(threshold, 3) for threshold in self.thresholds],
            "mean": _rounded(self.mean),
            "deviation": _rounded(self.deviation),
            "weights": [_rounded(row) for row in self.weights],
            "familiarity": self.familiarity.document(),
        }

    def standardised(self, windows: Float32Array, states: Float32Array) -> FloatArray:
        """Return the standardised state contrasts of windows, (windows, NUMBERS).

        Args:
            windows: in dB, before they are normalised, (windows, frames, bands).
            states: probabilities of the states of the heart cycle, (windows, frames, 4).
        """
        standard: FloatArray = (state_contrasts(windows, states) - self.mean) / self.deviation
        return standard

    def blend(self, logits: Float32Array, contrasts: FloatArray, familiarity: float) -> FloatArray:
        """Return logits of the linear model plus, as far as the device is familiar, those of the network.

        A product of experts (Hinton 2002), (windows, outputs), to be divided by the temperature of the card.

        Args:
            logits: of the network, (windows, outputs).
            contrasts: standardised, (windows, NUMBERS).
            familiarity: of the device, 0..1.
        """
        linear = contrasts @ self.weights[:, :-1].T + self.weights[:, -1]
        blended: FloatArray = linear + familiarity * logits
        return blended

    def threshold_for(
        self, device: DeviceDistance, contrasts: FloatArray, proven: float | None = None
    ) -> float:
        """Return the lowest confidence of an accepted label for windows with these standardised contrasts.

        1, which no confidence exceeds, where the contrasts are unlike those of any heart in training; else
        `proven`, which known hearts of the device gave, or without it what the card says.
        """
        if np.square(contrasts.mean(axis=0)).mean() > self.max_strangeness:
            return 1.0
        if proven is not None:
            return proven
        return self.thresholds[device.nearest] if device.familiarity >= FAMILIAR else self.threshold


def _rounded(numbers: FloatArray) -> list[float]:
    return [float(f"{number:.5g}") for number in numbers.tolist()]
