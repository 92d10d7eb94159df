"""Recordings with labels from the public datasets, and how they are kept apart for honest figures.

A `group` is what must never stand on both sides of a split: a patient, or what is known to be close to
one. `site` is a device and place: models must not learn it instead of the heart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.windowing import trim
from models_tflite.evaluation import audio

BACKGROUND: Final = ""
"""Label of a recording that is none of the labels: it teaches the last output of the network."""
UNTOLD: Final = "(untold)"
"""Label of a recording that is one of the labels, but nobody said which: it teaches what is no background."""


class TrainingError(StethoError):
    """Training cannot go on: data or labels are not what they should be."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a dataset."""

    path: Path
    label: str
    """One of the recipe's labels, `BACKGROUND` or `UNTOLD`."""
    site: str
    group: str
    fold: str = ""
    """The fold that the dataset's authors put it into; empty: they made none."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings with their features, each (frames, bands)."""

    recordings: tuple[Recording, ...]
    frames: tuple[Float32Array, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.recordings)

    @property
    def targets(self) -> npt.NDArray[np.intp]:
        """Index of each recording's label, (recordings,); past the last are the background and the untold."""
        index = {label: i for i, label in enumerate((*self.labels, BACKGROUND, UNTOLD))}
        return np.array([index[recording.label] for recording in self.recordings], dtype=np.intp)

    @property
    def sites(self) -> npt.NDArray[np.str_]:
        """Site of each recording, (recordings,)."""
        return np.array([recording.site for recording in self.recordings])

    def subset(self, chosen: npt.NDArray[np.bool_]) -> "Corpus":
        """Return the recordings where `chosen` is true."""
        kept = np.flatnonzero(chosen)
        return Corpus(
            tuple(self.recordings[i] for i in kept), tuple(self.frames[i] for i in kept), self.labels
        )

    def folds(self, count: int, seed: int) -> npt.NDArray[np.intp]:
        """Return a fold for each recording; no group is in two, labels and sites are spread evenly.

        Folds of the dataset's authors are kept when there are exactly `count`. Else greedy: groups from
        the largest to the smallest go where their label × site is rarest so far.
        """
        official, fold = np.unique([recording.fold for recording in self.recordings], return_inverse=True)
        if len(official) == count and "" not in official:
            return fold.astype(np.intp)
        cells = np.array([f"{recording.label}/{recording.site}" for recording in self.recordings])
        names, cell = np.unique(cells, return_inverse=True)
        groups, group = np.unique([recording.group for recording in self.recordings], return_inverse=True)
        held = np.zeros((len(groups), len(names)))
        np.add.at(held, (group, cell), 1)
        share = held / held.sum(axis=0)
        order = np.random.default_rng(seed).permutation(len(groups))
        load = np.zeros((count, len(names)))
        fold_of_group = np.zeros(len(groups), dtype=np.intp)
        for g in sorted(order, key=lambda g: -share[g].max()):
            fold_of_group[g] = np.argmin(
                (load + share[g])[:, share[g] > 0].sum(axis=1) + 1e-3 * load.sum(axis=1)
            )
            load[fold_of_group[g]] += share[g]
        return fold_of_group[group]


def load(
    recordings: Iterable[Recording],
    labels: tuple[str, ...],
    features: FeatureParameters,
    trim_db: float | None = None,
) -> Corpus:
    """Read every recording and compute its features, with a progress bar.

    Raises:
        TrainingError: a label is not known, or has fewer than two recordings.
        AudioError: a file is missing, empty or no audio.
    """
    wanted = tuple(recordings)
    for recording in wanted:
        if recording.label not in (*labels, BACKGROUND, UNTOLD):
            raise TrainingError(
                f"{recording.path} is labelled {recording.label!r}, not {', '.join(labels)}: correct it"
            )
    for label in labels:
        if sum(recording.label == label for recording in wanted) < 2:  # noqa: PLR2004 one to learn, one to judge
            raise TrainingError(f"there are fewer than two recordings labelled {label}: give more data")
    return Corpus(
        wanted,
        tuple(
            _frames(recording.path, features, trim_db)
            for recording in tqdm(wanted, "features", unit="file", disable=None)
        ),
        labels,
    )


def _frames(path: Path, features: FeatureParameters, trim_db: float | None) -> Float32Array:
    frames = audio.read(path).features(features)
    return frames if trim_db is None else trim(frames, trim_db)
