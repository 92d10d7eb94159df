"""Sounds that the quality gate is fitted to and judged by: hearts, poor hearts, and everything else."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import numpy as np

from edge_worker.signal.features import Signal
from models_tflite.evaluation import audio

WORDS: Final = 6
"""Words of one speaker that are strung together: one alone is too short to be judged at all."""
PHYSIONET_BLOCK: Final = 10
"""See `models_tflite.training.corpus.datasets`."""
MIN_DURATION_S: Final = 1.5
"""What is shorter is refused for that reason alone."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound and what is known of it."""

    paths: tuple[Path, ...]
    """Files that are played one after the other."""
    kind: str
    """Dataset and class, as reports name it."""
    site: str
    """Where and with what it was recorded."""
    group: str
    """What must never stand on both sides of a split."""
    is_heart: bool
    is_clear: bool | None = None
    """Whether people found it good; None: they were not asked."""

    def read(self) -> Signal:
        """Return the sound; raises AudioError with a sentence."""
        signals = [audio.read(path) for path in self.paths]
        rate = signals[0].sample_rate
        return Signal(np.concatenate([signal.resampled(rate) for signal in signals]), rate)


def all_of(data: Path) -> Iterator[Clip]:
    """Yield every clip of the datasets in `data`; raises OSError when one is not there."""
    for dataset in (physionet, pascal, circor, esc50, urbansound8k, ravdess, words):
        yield from dataset(data)


def physionet(data: Path) -> Iterator[Clip]:
    """PhysioNet/CinC Challenge 2016: `good_quality` is what people said."""
    folder = data / "physionet2016"
    for row in _rows(folder):
        site = f"physionet-{row['database']}"
        block = int(Path(row["file"]).stem[1:]) // PHYSIONET_BLOCK
        good = row["good_quality"] == "1"
        kind = f"physionet {'good' if good else 'poor'} {row['label']}"
        yield Clip((folder / row["file"],), kind, site, f"{site}-{block}", True, good)


def pascal(data: Path) -> Iterator[Clip]:
    """PASCAL: noisy sublabels are poor; artifacts are no hearts."""
    folder = data / "pascal-heart"
    for row in _rows(folder):
        kind = f"pascal {row['sublabel'] or row['label']}"
        is_heart = row["label"] != "artifact"
        is_clear = not row["sublabel"].startswith("noisy") if is_heart else None
        site = f"pascal-{row['file'][:5]}"
        yield Clip((folder / row["file"],), kind, site, f"pascal-{row['group']}", is_heart, is_clear)


def circor(data: Path) -> Iterator[Clip]:
    """CirCor DigiScope: children; where people could not say whether there was a murmur, it is poor."""
    folder = data / "circor"
    for row in _rows(folder):
        kind = f"circor murmur {row['murmur_at_site'].lower()}"
        is_clear = row["murmur_at_site"] != "Unknown"
        yield Clip((folder / row["file"],), kind, "circor", f"circor-{row['subject']}", True, is_clear)


def esc50(data: Path) -> Iterator[Clip]:
    """ESC-50: environmental sounds."""
    folder = data / "esc50"
    for row in _rows(folder):
        yield Clip((folder / row["file"],), "esc50", "esc50", f"freesound-{row['src_file']}", False)


def urbansound8k(data: Path) -> Iterator[Clip]:
    """UrbanSound8K: sounds of the street."""
    folder = data / "urbansound8k"
    for row in _rows(folder):
        group = f"freesound-{row['source_id']}"
        yield Clip((folder / row["file"],), "urbansound8k", "urbansound8k", group, False)


def ravdess(data: Path) -> Iterator[Clip]:
    """RAVDESS: sentences."""
    folder = data / "ravdess"
    for row in _rows(folder):
        yield Clip((folder / row["file"],), "ravdess", "ravdess", f"ravdess-{row['actor']}", False)


def words(data: Path) -> Iterator[Clip]:
    """Spoken digits and commands, strung together in the rhythm in which they were cut."""
    for name in ("fsdd", "speech_commands"):
        said = defaultdict(list)
        for row in _rows(data / name):
            said[row["speaker"]].append(data / name / row["file"])
        for speaker, files in said.items():
            for start in range(0, len(files), WORDS):
                strung = tuple(islice(cycle(files[start : start + WORDS]), WORDS))
                yield Clip(strung, name, name, f"{name}-{speaker}", False)


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
