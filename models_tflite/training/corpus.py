"""Recordings with labels from the public datasets, and how they are kept apart for honest figures.

A `group` is what must never stand on both sides of a split: a patient, or what is known to be close to
one. `site` is a device and place: models must not learn it instead of the heart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.features import Float32Array, LogMelParameters
from models_tflite import audio


class TrainingError(StethoError):
    """Training cannot go on: data or labels are not what they should be."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a dataset."""

    path: Path
    label: str
    site: str
    group: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings with their log-mel spectrograms, each (frames, n_mels)."""

    recordings: tuple[Recording, ...]
    spectrograms: tuple[Float32Array, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.recordings)

    @property
    def targets(self) -> npt.NDArray[np.intp]:
        """Index of each recording's label, (recordings,)."""
        return np.array([self.labels.index(recording.label) for recording in self.recordings], dtype=np.intp)

    @property
    def sites(self) -> npt.NDArray[np.str_]:
        """Site of each recording, (recordings,)."""
        return np.array([recording.site for recording in self.recordings])

    def subset(self, chosen: npt.NDArray[np.bool_]) -> "Corpus":
        """Return the recordings where `chosen` is true."""
        kept = np.flatnonzero(chosen)
        return Corpus(
            tuple(self.recordings[i] for i in kept), tuple(self.spectrograms[i] for i in kept), self.labels
        )

    def folds(self, count: int, seed: int) -> npt.NDArray[np.intp]:
        """Return a fold for each recording; no group is in two, labels and sites are spread evenly.

        Greedy: groups from the largest to the smallest go where their label × site is rarest so far.
        """
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


def load(recordings: Iterable[Recording], labels: tuple[str, ...], parameters: LogMelParameters) -> Corpus:
    """Read every recording and compute its spectrogram, with a progress bar."""
    wanted = tuple(recordings)
    for recording in wanted:
        if recording.label not in labels:
            raise TrainingError(
                f"{recording.path} is labelled {recording.label!r}, not {', '.join(labels)}: correct it"
            )
    for label in labels:
        if sum(recording.label == label for recording in wanted) < 2:  # noqa: PLR2004 one to learn, one to judge
            raise TrainingError(f"there are fewer than two recordings labelled {label}: give more data")
    spectrograms = [
        audio.read(item.path).features(parameters)
        for item in tqdm(wanted, "features", unit="file", disable=None)
    ]
    return Corpus(wanted, tuple(spectrograms), labels)
