"""How often each recording is drawn: a model learns the prior of what it is shown, so it is chosen here."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from models_tflite.training.corpus.corpus import Corpus

Chances = npt.NDArray[np.float64]


def by_label(corpus: Corpus) -> Chances:
    """Return the chance of each recording: labels alike, within a label sites by the root of their size.

    For many sites that have every label: one large site must not be all that is learned.
    """
    return _by_root(corpus, corpus.sites)


def by_source(corpus: Corpus) -> Chances:
    """Return the chance of each recording: labels alike, within a label groups by the root of their size.

    For long recordings that were cut into many clips: one of them must not be all that is learned.
    """
    return _by_root(corpus, np.array([recording.group for recording in corpus.recordings]))


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


def background_often(corpus: Corpus) -> Chances:
    """Return the chance of each recording: as `by_label`, but background three times as often as a label.

    What is none of the labels has more kinds than any of them, and to take it for one is the worse error.
    """
    chances = by_label(corpus)
    chances[corpus.targets == len(corpus.labels)] *= 3
    return _normal(chances)


def favouring(draw: Callable[[Corpus], Chances], times: Mapping[str, float], corpus: Corpus) -> Chances:
    """Return the chances of another draw, recordings of some labels so many times as often.

    For a label that is dearer to miss, and for background, of which little is enough.
    """
    labels = [recording.label for recording in corpus.recordings]
    return _normal(draw(corpus) * np.array([times.get(label, 1.0) for label in labels]))


def evenly(corpus: Corpus) -> Chances:
    """Return the chance of each recording: all alike, for a dataset that is as it will be heard."""
    return np.full(len(corpus), 1 / len(corpus))


def _by_root(corpus: Corpus, places: npt.NDArray[np.str_]) -> Chances:
    """Return chances where labels are alike and, within a label, places count by the root of their size."""
    targets = corpus.targets
    chances = np.zeros(len(corpus))
    for target in np.unique(targets):
        cells = [(targets == target) & (places == place) for place in np.unique(places[targets == target])]
        total = sum(np.sqrt(cell.sum()) for cell in cells)
        for cell in cells:
            chances[cell] = np.sqrt(cell.sum()) / total / cell.sum()
    return _normal(chances)


def _normal(chances: Chances) -> Chances:
    normal: Chances = chances / chances.sum()
    return normal
