"""Labelled recordings with their features, and folds that never split a group.

A `group` must never be on both sides of a split: a patient, or what is known to be close to one. A `site` is
a device and place: models must not learn it instead of the sound.
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
"""Label of a recording that is none of the labels: it trains the last output of the network."""
PARTIAL_LABEL: Final = "(one of the labels)"
"""Label of a recording that is one of the labels, unknown which: it trains only that it is no background."""


class TrainingError(StethoError):
    """Training cannot go on: data or labels are not what they should be."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a dataset."""

    path: Path
    label: str
    """One of the recipe's labels, `BACKGROUND` or `PARTIAL_LABEL`."""
    site: str
    group: str
    fold: str = ""
    """The fold that the dataset's authors put it into; empty: they made none."""
    kind: str = ""
    """What can be heard, where that is finer than the label; empty: the label."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings with their features."""

    recordings: tuple[Recording, ...]
    features: tuple[Float32Array, ...]
    """Of each recording, (frames, bands)."""
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.recordings)

    @property
    def targets(self) -> npt.NDArray[np.intp]:
        """Index of each recording's label, (recordings,); after the labels: background, partial label."""
        index = {label: i for i, label in enumerate((*self.labels, BACKGROUND, PARTIAL_LABEL))}
        return np.array([index[recording.label] for recording in self.recordings], dtype=np.intp)

    @property
    def sites(self) -> npt.NDArray[np.str_]:
        """Site of each recording, (recordings,)."""
        return np.array([recording.site for recording in self.recordings])

    def subset(self, mask: npt.NDArray[np.bool_]) -> "Corpus":
        """Return the recordings where `mask` (recordings,) is true."""
        chosen = np.flatnonzero(mask)
        return Corpus(
            tuple(self.recordings[i] for i in chosen), tuple(self.features[i] for i in chosen), self.labels
        )

    def folds(self, count: int, seed: int) -> npt.NDArray[np.intp]:
        """Return the fold of each recording, (recordings,): stratified by label and site, groups kept whole.

        Folds of the dataset's authors are kept when there are exactly `count`. Otherwise greedy: groups from
        the largest to the smallest go where their label × site is rarest so far.
        """
        official, fold = np.unique([recording.fold for recording in self.recordings], return_inverse=True)
        if len(official) == count and "" not in official:
            return fold.astype(np.intp)
        strata = np.array([f"{recording.label}/{recording.site}" for recording in self.recordings])
        names, stratum = np.unique(strata, return_inverse=True)
        groups, group = np.unique([recording.group for recording in self.recordings], return_inverse=True)
        counts = np.zeros((len(groups), len(names)))
        np.add.at(counts, (group, stratum), 1)
        share = counts / counts.sum(axis=0)
        order = np.random.default_rng(seed).permutation(len(groups))
        load = np.zeros((count, len(names)))
        fold_of_group = np.zeros(len(groups), dtype=np.intp)
        for g in sorted(order, key=lambda g: -share[g].max()):
            fold_of_group[g] = np.argmin(
                (load + share[g])[:, share[g] > 0].sum(axis=1) + 1e-3 * load.sum(axis=1)
            )
            load[fold_of_group[g]] += share[g]
        return fold_of_group[group]


def load_corpus(
    recordings: Iterable[Recording],
    labels: tuple[str, ...],
    features: FeatureParameters,
    trim_db: float | None = None,
) -> Corpus:
    """Read every recording and compute its features, with a progress bar.

    Args:
        recordings: files with their labels.
        labels: of the model; each needs two recordings.
        features: parameters of the transform.
        trim_db: leading and trailing frames so far below the loudest are cut off; None: none.

    Raises:
        TrainingError: a label is not known, or has fewer than two recordings.
        AudioError: a file is missing, empty or no audio.
    """
    listed = tuple(recordings)
    for recording in listed:
        if recording.label not in (*labels, BACKGROUND, PARTIAL_LABEL):
            raise TrainingError(
                f"{recording.path} is labelled {recording.label!r}, not {', '.join(labels)}: correct it"
            )
    for label in labels:
        if sum(recording.label == label for recording in listed) < 2:  # noqa: PLR2004 one to train on, one to evaluate
            raise TrainingError(f"there are fewer than two recordings labelled {label}: give more data")
    return Corpus(
        listed,
        tuple(
            _read(recording.path, features, trim_db)
            for recording in tqdm(listed, "features", unit="file", disable=None)
        ),
        labels,
    )


def _read(path: Path, features: FeatureParameters, trim_db: float | None) -> Float32Array:
    frames = audio.read(path).features(features)
    return frames if trim_db is None else trim(frames, trim_db)
