"""How often each recording is drawn: a model learns the prior of what it is shown, so it is chosen here."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from models_tflite.training.corpus.corpus import Corpus

Probabilities = npt.NDArray[np.float64]


def class_balanced(corpus: Corpus) -> Probabilities:
    """Return the chance of each recording: labels alike, within a label sites by the root of their size.

    For many sites that have every label: one large site must not be all that is learned.
    """
    return _balanced_by_square_root(corpus, corpus.sites)


def class_and_source_balanced(corpus: Corpus) -> Probabilities:
    """Return the chance of each recording: labels alike, within a label groups by the root of their size.

    For long recordings that were cut into many clips: one of them must not be all that is learned.
    """
    return _balanced_by_square_root(corpus, np.array([recording.group for recording in corpus.recordings]))


def site_balanced(corpus: Corpus) -> Probabilities:
    """Return the chance of each recording: sites alike, within a site labels alike.

    For labels that only some sites have: drawn by label, a rare label of one site is most of what that
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
    """Return the chance of each recording: `class_balanced`, background three times as often.

    What is none of the labels has more kinds than any of them, and to take it for one is the worse error.
    """
    probabilities = class_balanced(corpus)
    probabilities[corpus.targets == len(corpus.labels)] *= 3
    return _normalised(probabilities)


def reweighted(
    sampling: Callable[[Corpus], Probabilities], factors: Mapping[str, float], corpus: Corpus
) -> Probabilities:
    """Return the chances of another draw, recordings of some labels so many times as often.

    For a label that is dearer to miss, and for background, of which little is enough.
    """
    labels = [recording.label for recording in corpus.recordings]
    return _normalised(sampling(corpus) * np.array([factors.get(label, 1.0) for label in labels]))


def uniform(corpus: Corpus) -> Probabilities:
    """Return the chance of each recording: all alike, for a dataset that is as it will be heard."""
    return np.full(len(corpus), 1 / len(corpus))


def _balanced_by_square_root(corpus: Corpus, parts: npt.NDArray[np.str_]) -> Probabilities:
    """Return chances where labels are alike and, within a label, places count by the root of their size."""
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
