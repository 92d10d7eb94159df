"""Sampling probabilities of the recordings of a corpus, (recordings,).

They set the prior that a model learns.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from models_tflite.training.corpus.corpus import Corpus, Recording

Probabilities = npt.NDArray[np.float64]

LARGEST_SITE: Final = 500
"""Recordings of a site beyond which more do not count."""


def class_balanced(corpus: Corpus) -> Probabilities:
    """Return equal shares for labels, and within a label for sites by the square root of their size.

    For many sites that have every label: one large site must not dominate.
    """
    return _balanced_by_square_root(corpus, corpus.sites)


def class_and_source_balanced(corpus: Corpus) -> Probabilities:
    """Return equal shares for labels, and within a label for groups by the square root of their size.

    For long recordings that were cut into many clips: one of them must not dominate.
    """
    return _balanced_by_square_root(corpus, np.array([recording.group for recording in corpus.recordings]))


def site_balanced_by_root(corpus: Corpus) -> Probabilities:
    """Return shares of sites by the square root of their size up to `LARGEST_SITE`, within a site for labels.

    For sites of very different size, each with every label: what tells labels apart must not be the site, a
    large one must not dominate, and the few recordings of a small one must not be learnt by heart.
    """
    probabilities, sites = site_balanced(corpus), corpus.sites
    _, index, size = np.unique(sites, return_inverse=True, return_counts=True)
    return _normalised(probabilities * np.sqrt(np.minimum(size, LARGEST_SITE))[index])


def site_balanced(corpus: Corpus) -> Probabilities:
    """Return equal shares for sites, and within a site for labels.

    For labels that only some sites have: balanced by class, a rare label of one site is most of what that
    site shows, and the model learns to answer the device.
    """
    targets, sites = corpus.targets, corpus.sites
    probabilities = np.zeros(len(corpus))
    for site in np.unique(sites):
        present = np.unique(targets[sites == site])
        for target in present:
            cell = (sites == site) & (targets == target)
            probabilities[cell] = 1 / len(present) / cell.sum()
    return _normalised(probabilities)


def background_weighted(corpus: Corpus) -> Probabilities:
    """Return `class_balanced` probabilities with the background three times as likely.

    Background has more kinds of sound than any label, and to take it for one is the worse error.
    """
    probabilities = class_balanced(corpus)
    probabilities[corpus.targets == len(corpus.labels)] *= 3
    return _normalised(probabilities)


def reweighted(
    sampling: Callable[[Corpus], Probabilities], factors: Mapping[str, float], corpus: Corpus
) -> Probabilities:
    """Return the probabilities of `sampling` times a factor for some labels, normalised.

    For a label that is dearer to miss, and for background, of which little is enough.
    """
    labels = [recording.label for recording in corpus.recordings]
    return _normalised(sampling(corpus) * np.array([factors.get(label, 1.0) for label in labels]))


def by_site_kind_and_source(
    recordings: Sequence[Recording], site_weights: Mapping[str, float]
) -> Probabilities:
    """Return shares of sites by size and weight, equal ones of kinds in a site, of groups by root of size.

    `site_weights` are by the first word of a site, up to a hyphen.
    """
    sites = np.array([recording.site.partition("-")[0] for recording in recordings])
    kinds = np.array([recording.kind for recording in recordings])
    groups = np.array([recording.group for recording in recordings])
    probabilities = np.zeros(len(recordings))
    for site in np.unique(sites):
        is_there = sites == site
        for kind in np.unique(kinds[is_there]):
            cell = np.flatnonzero(is_there & (kinds == kind))
            _, group, size = np.unique(groups[cell], return_inverse=True, return_counts=True)
            share = 1 / np.sqrt(size[group])
            probabilities[cell] = share / share.sum()
        probabilities[is_there] *= site_weights[site] * is_there.sum() / probabilities[is_there].sum()
    return _normalised(probabilities)


def uniform(corpus: Corpus) -> Probabilities:
    """Return equal probabilities, for a dataset whose priors are those of use."""
    return np.full(len(corpus), 1 / len(corpus))


def _balanced_by_square_root(corpus: Corpus, parts: npt.NDArray[np.str_]) -> Probabilities:
    """Return equal shares for labels, and within a label for parts by the square root of their size."""
    targets = corpus.targets
    probabilities = np.zeros(len(corpus))
    for target in np.unique(targets):
        cells = [(targets == target) & (parts == part) for part in np.unique(parts[targets == target])]
        total = sum(np.sqrt(cell.sum()) for cell in cells)
        for cell in cells:
            probabilities[cell] = np.sqrt(cell.sum()) / total / cell.sum()
    return _normalised(probabilities)


def _normalised(probabilities: Probabilities) -> Probabilities:
    normalised: Probabilities = probabilities / probabilities.sum()
    return normalised
