"""Clips of public datasets for signal quality: hearts, poor recordings of hearts, and other sounds."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import numpy as np

from edge_worker.signal.audio_signal import Signal
from models_tflite.evaluation import audio

WORDS: Final = 6
"""Words of one speaker that are concatenated, as a single one is shorter than `MIN_DURATION_S`."""
PHYSIONET_BLOCK: Final = 10
"""See `models_tflite.training.corpus.datasets`."""
MIN_DURATION_S: Final = 1.5
"""Shorter clips are rejected for their length alone."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound and its labels."""

    paths: tuple[Path, ...]
    """Audio files that are concatenated."""
    kind: str
    """Dataset and class, as in reports."""
    site: str
    """Place and device of the recording."""
    group: str
    """Patient, speaker or source; a group is never on both sides of a split."""
    is_heart: bool
    is_clear: bool | None = None
    """Whether annotators found the recording good; None: not annotated."""

    def read(self) -> Signal:
        """Return the concatenated audio; raises AudioError."""
        signals = [audio.read(path) for path in self.paths]
        rate = signals[0].sample_rate
        return Signal(np.concatenate([signal.resampled(rate) for signal in signals]), rate)


def all_of(data: Path) -> Iterator[Clip]:
    """Yield every clip of the datasets in `data`; raises OSError when one is missing."""
    for dataset in (physionet, pascal, circor, esc50, urbansound8k, ravdess, words):
        yield from dataset(data)


def physionet(data: Path) -> Iterator[Clip]:
    """Yield the clips of PhysioNet/CinC Challenge 2016; `good_quality` tells clear from poor."""
    folder = data / "physionet2016"
    for row in label_rows(folder):
        site = f"physionet-{row['database']}"
        block = int(Path(row["file"]).stem[1:]) // PHYSIONET_BLOCK
        good = row["good_quality"] == "1"
        kind = f"physionet {'good' if good else 'poor'} {row['label']}"
        yield Clip((folder / row["file"],), kind, site, f"{site}-{block}", True, good)


def pascal(data: Path) -> Iterator[Clip]:
    """Yield the clips of PASCAL; noisy sublabels are poor, artifacts are not hearts."""
    folder = data / "pascal-heart"
    for row in label_rows(folder):
        kind = f"pascal {row['sublabel'] or row['label']}"
        is_heart = row["label"] != "artifact"
        is_clear = not row["sublabel"].startswith("noisy") if is_heart else None
        site = f"pascal-{row['file'][:5]}"
        yield Clip((folder / row["file"],), kind, site, f"pascal-{row['group']}", is_heart, is_clear)


def circor(data: Path) -> Iterator[Clip]:
    """Yield the clips of CirCor DigiScope (children); poor where annotators could not decide on a murmur."""
    folder = data / "circor"
    for row in label_rows(folder):
        kind = f"circor murmur {row['murmur_at_site'].lower()}"
        is_clear = row["murmur_at_site"] != "Unknown"
        yield Clip((folder / row["file"],), kind, "circor", f"circor-{row['subject']}", True, is_clear)


def esc50(data: Path) -> Iterator[Clip]:
    """Yield the clips of ESC-50 (environmental sounds)."""
    folder = data / "esc50"
    for row in label_rows(folder):
        yield Clip((folder / row["file"],), "esc50", "esc50", f"freesound-{row['src_file']}", False)


def urbansound8k(data: Path) -> Iterator[Clip]:
    """Yield the clips of UrbanSound8K (street sounds)."""
    folder = data / "urbansound8k"
    for row in label_rows(folder):
        group = f"freesound-{row['source_id']}"
        yield Clip((folder / row["file"],), "urbansound8k", "urbansound8k", group, False)


def ravdess(data: Path) -> Iterator[Clip]:
    """Yield the clips of RAVDESS (spoken sentences)."""
    folder = data / "ravdess"
    for row in label_rows(folder):
        yield Clip((folder / row["file"],), "ravdess", "ravdess", f"ravdess-{row['actor']}", False)


def words(data: Path) -> Iterator[Clip]:
    """Yield spoken digits and commands, several words of one speaker per clip, as they were cut."""
    for name in ("fsdd", "speech_commands"):
        by_speaker = defaultdict(list)
        for row in label_rows(data / name):
            by_speaker[row["speaker"]].append(data / name / row["file"])
        for speaker, files in by_speaker.items():
            for start in range(0, len(files), WORDS):
                paths = tuple(islice(cycle(files[start : start + WORDS]), WORDS))
                yield Clip(paths, name, name, f"{name}-{speaker}", False)


def label_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the `labels.csv` of a dataset."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
