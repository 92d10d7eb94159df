"""Tiny heart datasets and a recipe that trains on them in seconds, for the tests of training."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from models_tflite.training.corpus import datasets
from models_tflite.training.corpus.corpus import Corpus, Recording, load_corpus
from models_tflite.training.recipes.recipe import Recipe

RATE: Final = 2000


def make_data(root: Path, recordings: int = 24) -> Path:
    """Write PhysioNet 2016 and CirCor of a few recordings; return `root`.

    Abnormal ones hiss between the beats.
    """
    random = np.random.default_rng(0)
    time = np.arange(5 * RATE) / RATE
    rows: dict[str, list[dict[str, str]]] = {"physionet2016": [], "circor": []}
    for number in range(recordings):
        murmur = number % 2
        sound = np.sin(2 * np.pi * 60 * time) * np.exp(-(time % 0.8) / 0.05) * 0.3
        sound += random.normal(size=len(time)) * (0.05 if murmur else 0.002)
        file = f"b{number * 10:04d}.wav"
        for folder in rows:
            (root / folder).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / folder / file, sound, RATE)
        label, murmur_at_site = ("abnormal", "Present") if murmur else ("normal", "Absent")
        rows["physionet2016"].append({"file": file, "label": label, "good_quality": "1", "database": "b"})
        rows["circor"].append({"file": file, "subject": str(number), "murmur_at_site": murmur_at_site})
    for folder, lines in rows.items():
        write_labels(root / folder, lines)
    return root


def write_labels(folder: Path, lines: list[dict[str, str]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def gather(data: Path) -> Iterator[Recording]:
    yield from datasets.physionet(data)
    yield from datasets.circor(data, present="abnormal", absent="normal")


RECIPE: Final = Recipe(
    model="heart2",
    version="0.0.1",
    labels=("normal", "abnormal"),
    gather=gather,
    evaluated_on="physionet",
    facts={"task": "Is trained in seconds."},
    steps_per_epoch=2,
    epochs=1,
    batch_size=16,
)


def make_corpus(root: Path) -> Corpus:
    """Write tiny datasets and return the corpus of PhysioNet."""
    return load_corpus(datasets.physionet(make_data(root)), RECIPE.labels, RECIPE.features)
