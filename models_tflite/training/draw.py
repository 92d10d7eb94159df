"""How often each recording is drawn: a model learns the prior of what it is shown, so it is chosen here."""

import numpy as np
import numpy.typing as npt

from models_tflite.training.corpus import Corpus

Chances = npt.NDArray[np.float64]


def by_label(corpus: Corpus) -> Chances:
    """Return the chance of each recording: labels alike, within a label sites by the root of their size.

    For many sites that have every label: one large site must not be all that is learned.
    """
    targets, sites = corpus.targets, corpus.sites
    chances = np.zeros(len(corpus))
    for target in np.unique(targets):
        cells = [(targets == target) & (sites == site) for site in np.unique(sites[targets == target])]
        total = sum(np.sqrt(cell.sum()) for cell in cells)
        for cell in cells:
            chances[cell] = np.sqrt(cell.sum()) / total / cell.sum()
    return _normal(chances)


def by_site(corpus: Corpus) -> Chances:
    """Return the chance of each recording: sites alike, within a site labels alike.

    For labels that only some sites have: drawn by label, a rare label of one site is most of what that
    site shows, and the model learns to answer the device.
    """
    targets, sites = corpus.targets, corpus.sites
    chances = np.zeros(len(corpus))
    for site in np.unique(sites):
        present = np.unique(targets[sites == site])
        for target in present:
            cell = (sites == site) & (targets == target)
            chances[cell] = 1 / len(present) / cell.sum()
    return _normal(chances)


def _normal(chances: Chances) -> Chances:
    normal: Chances = chances / chances.sum()
    return normal
