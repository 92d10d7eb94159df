"""The public heart sound datasets: which folder, which columns, which label, site and group each row has."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models_tflite.training.corpus import Recording, TrainingError

PHYSIONET_BLOCK: Final = 10
"""PhysioNet 2016 names no patients; neighbours in its numbering may be one: blocks of so many records
are kept together, and whole databases are held out beside that."""


def pascal(data: Path) -> Iterator[Recording]:
    """PASCAL classifying heart sounds (Bentley et al. 2011): five classes, two recording devices."""
    folder = dataset_folder(data, "pascal-heart")
    for row in rows(folder, "file", "label", "group"):
        yield Recording(
            folder / row["file"], row["label"], f"pascal-{row['file'][:5]}", f"pascal-{row['group']}"
        )


def physionet(data: Path, only_good: bool = True) -> Iterator[Recording]:
    """PhysioNet/CinC Challenge 2016 (Liu et al. 2016): normal or abnormal at six sites."""
    folder = dataset_folder(data, "physionet2016")
    for row in rows(folder, "file", "label", "good_quality", "database"):
        if row["good_quality"] == "1" or not only_good:
            block = _number(row["file"]) // PHYSIONET_BLOCK
            site = f"physionet-{row['database']}"
            yield Recording(folder / row["file"], row["label"], site, f"{site}-{block}")


def circor(data: Path, present: str, absent: str) -> Iterator[Recording]:
    """CirCor DigiScope (Oliveira et al. 2022): a murmur heard at the site is `present`, none is `absent`."""
    folder = dataset_folder(data, "circor")
    meaning = {"Present": present, "Absent": absent}
    for row in rows(folder, "file", "subject", "murmur_at_site"):
        if row["murmur_at_site"] in meaning:
            label = meaning[row["murmur_at_site"]]
            yield Recording(folder / row["file"], label, "circor", f"circor-{row['subject']}")


def _number(file: str) -> int:
    """Return the number in a PhysioNet name such as training-a/a0058.flac."""
    digits = Path(file).stem[1:]
    if not digits.isdecimal():
        raise TrainingError(
            f"{file} is not named like a PhysioNet 2016 recording, a0058: rename or remove it"
        )
    return int(digits)


def dataset_folder(data: Path, name: str) -> Path:
    """Return `data/name`, or `data` itself when it is that dataset."""
    folder = data if data.name == name else data / name
    if not (folder / "labels.csv").is_file():
        raise TrainingError(
            f"{folder / 'labels.csv'} is missing: point --data at the folder that holds {name}/"
        )
    return folder


def rows(folder: Path, *columns: str) -> Iterator[dict[str, str]]:
    """Yield the rows of labels.csv, which must have `columns`."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for column in columns:
            if column not in (reader.fieldnames or ()):
                raise TrainingError(f"{folder / 'labels.csv'} has no column {column}: see docs/models.md")
        yield from reader
