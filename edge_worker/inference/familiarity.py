"""Familiarity of a stethoscope: how close a recording's spectrum is to those of the devices in training.

The spectra of each training site are one Gaussian; a recording counts as familiar as its likelihood under the
nearest of them is usual. The measure knows nothing of labels: an unfamiliar device is not a sick heart.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.device_spectrum import NUMBERS, device_spectrum

FloatArray = npt.NDArray[np.float64]


class DeviceDistance(NamedTuple):
    """Familiarity of a device, and the training site that is nearest."""

    familiarity: float
    """0..1: 0 where the spectrum is unlike that of any site."""
    nearest: int
    """Index of the site."""


@dataclass(frozen=True, slots=True)
class Familiarity:
    """Spectra of the training sites, and the distances at which a device stops being familiar."""

    sites: tuple[str, ...]
    means: FloatArray
    """(sites, NUMBERS), dB."""
    precisions: FloatArray
    """(sites, NUMBERS, NUMBERS): inverse covariances."""
    inside: float
    """Distance up to which a recording is fully familiar."""
    outside: float
    """Distance from which on it is not familiar at all."""
    _log_determinants: FloatArray = field(init=False, repr=False, compare=False)
    """(sites,): of the precisions."""

    def __post_init__(self) -> None:
        """Compute what is the same for all recordings."""
        object.__setattr__(self, "_log_determinants", np.linalg.slogdet(self.precisions)[1])

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Familiarity":
        """Return the familiarity in a card; raises ValueError, KeyError or TypeError when it is none."""
        triangles = np.array([site["precision"] for site in document["sites"]], dtype=np.float64)
        rows, columns = np.triu_indices(NUMBERS)
        precisions = np.zeros((len(triangles), NUMBERS, NUMBERS))
        precisions[:, rows, columns] = precisions[:, columns, rows] = triangles
        parsed = cls(
            tuple(str(site["site"]) for site in document["sites"]),
            np.array([site["mean"] for site in document["sites"]], dtype=np.float64),
            precisions,
            float(document["inside"]),
            float(document["outside"]),
        )
        if parsed.means.shape != (len(triangles), NUMBERS) or not parsed.inside < parsed.outside:
            raise ValueError(f"its familiarity needs {NUMBERS} means a site, and inside below outside")
        if not (np.linalg.eigvalsh(precisions) > 0).all():
            raise ValueError("its familiarity needs precisions that are positive definite")
        return parsed

    def document(self) -> dict[str, Any]:
        """Return the entry of a card: the upper triangle of each precision, row by row."""
        rows, columns = np.triu_indices(NUMBERS)
        return {
            "inside": round(self.inside, 4),
            "outside": round(self.outside, 4),
            "sites": [
                {
                    "site": site,
                    "mean": [round(number, 3) for number in mean.tolist()],
                    "precision": [float(f"{number:.6g}") for number in precision[rows, columns].tolist()],
                }
                for site, mean, precision in zip(self.sites, self.means, self.precisions, strict=True)
            ],
        }

    def of(self, frames: Float32Array) -> DeviceDistance:
        """Return the familiarity of the device of a `HEART_LOG_MEL` spectrogram (frames, bands)."""
        distances = self.distances(device_spectrum(frames)[np.newaxis])[0]
        nearest = int(distances.argmin())
        familiarity = (self.outside - distances[nearest]) / (self.outside - self.inside)
        return DeviceDistance(float(familiarity.clip(0, 1)), nearest)

    def distances(self, spectra: FloatArray) -> FloatArray:
        """Return the distances of spectra (recordings, NUMBERS) from each site, (recordings, sites).

        The squared Mahalanobis distance minus the logarithm of the determinant of the precision, per number:
        twice the negative log-likelihood, but for a constant.
        """
        offsets = spectra[:, np.newaxis] - self.means
        weighted = (offsets[:, :, np.newaxis] @ self.precisions)[:, :, 0]
        distances: FloatArray = ((weighted * offsets).sum(axis=2) - self._log_determinants) / NUMBERS
        return distances
