"""Fit of the familiarity of devices: one Gaussian per site over the spectra of its recordings."""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.familiarity import Familiarity
from edge_worker.signal.device_spectrum import NUMBERS, device_spectrum
from models_tflite.training.corpus.corpus import Corpus

FloatArray = npt.NDArray[np.float64]

MIN_RECORDINGS: Final = 50
"""Recordings of a site from which on it counts: fewer give a Gaussian so wide that everything is near."""
SHRINKAGE: Final = 0.2
"""Share of the mean covariance of all sites in that of each: some sites have few recordings."""
VARIANCE_DB2: Final = 0.25
"""Variance added to each number: levels relative to their mean add up to 0, so that without it a covariance
has no inverse."""
FOLDS: Final = 3
"""Folds of groups that distances of familiar recordings are measured in."""
INSIDE: Final = 90
"""Percentile of the distances of unseen recordings of known sites at which familiarity begins to fall."""
OUTSIDE: Final = 98
"""Percentile at which there is none left."""


def fit(corpus: Corpus, seed: int) -> Familiarity:
    """Return the familiarity with the sites of a corpus; background is of no stethoscope and left out."""
    is_heart = corpus.targets < len(corpus.labels)
    hearts = corpus.subset(is_heart)
    spectra = np.stack([device_spectrum(frames) for frames in hearts.features])
    sites, fold = hearts.sites, hearts.folds(FOLDS, seed)
    distances = np.zeros(len(hearts))
    for k in range(FOLDS):
        known = _gaussians(spectra[fold != k], sites[fold != k])
        distances[fold == k] = known.distances(spectra[fold == k]).min(axis=1)
    inside, outside = np.percentile(distances, (INSIDE, OUTSIDE))
    return _gaussians(spectra, sites, float(inside), float(outside))


def _gaussians(
    spectra: FloatArray, sites: npt.NDArray[np.str_], inside: float = 0.0, outside: float = 1.0
) -> Familiarity:
    names, size = np.unique(sites, return_counts=True)
    names = names[size >= min(MIN_RECORDINGS, size.max())]
    covariances = np.stack([np.cov(spectra[sites == name], rowvar=False) for name in names])
    shrunk = (1 - SHRINKAGE) * covariances + SHRINKAGE * covariances.mean(axis=0)
    shrunk += VARIANCE_DB2 * np.eye(NUMBERS)
    means = np.stack([spectra[sites == name].mean(axis=0) for name in names])
    return Familiarity(tuple(names.tolist()), means, np.linalg.inv(shrunk), inside, outside)
