"""The public datasets as recordings: label, site, group and fold of each row of their labels.csv."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Final

from models_tflite.training.corpus.corpus import BACKGROUND, PARTIAL_LABEL, Recording, TrainingError

PHYSIONET_BLOCK: Final = 10
"""Neighbouring records that form one group: PhysioNet 2016 names no patients, and neighbours in its numbering
may be one. Whole databases are held out beside that."""

SMALL_DATABASES: Final = {"c": "c+d", "d": "c+d"}
"""Databases of PhysioNet 2016 that are one site here: alone they have too few recordings for a figure."""


def pascal(data: Path) -> Iterator[Recording]:
    """PASCAL classifying heart sounds (Bentley et al. 2011): five classes, two recording devices."""
    folder = dataset_folder(data, "pascal-heart")
    for row in read_labels(folder, "file", "label", "group"):
        yield Recording(
            folder / row["file"], row["label"], f"pascal-{row['file'][:5]}", f"pascal-{row['group']}"
        )


def physionet(data: Path, only_good: bool = True) -> Iterator[Recording]:
    """PhysioNet/CinC Challenge 2016 (Liu et al. 2016): normal or abnormal at six sites."""
    folder = dataset_folder(data, "physionet2016")
    for row in read_labels(folder, "file", "label", "good_quality", "database"):
        if row["good_quality"] == "1" or not only_good:
            block = _number(row["file"]) // PHYSIONET_BLOCK
            site = f"physionet-{SMALL_DATABASES.get(row['database'], row['database'])}"
            yield Recording(folder / row["file"], row["label"], site, f"{site}-{block}")


def bmd_hs(data: Path) -> Iterator[Recording]:
    """BMD-HS (Ali et al. 2024): normal or abnormal by echocardiography, for all recordings of a patient."""
    folder = dataset_folder(data, "bmd-hs")
    for row in read_labels(folder, "file", "label", "patient"):
        yield Recording(folder / row["file"], row["label"], "bmd-hs", f"bmd-hs-{row['patient']}")


def circor(data: Path, present: str, absent: str) -> Iterator[Recording]:
    """CirCor DigiScope (Oliveira et al. 2022): `present` with a murmur at the site, `absent` without."""
    folder = dataset_folder(data, "circor")
    meaning = {"Present": present, "Absent": absent}
    for row in read_labels(folder, "file", "subject", "murmur_at_site"):
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
    """Return `data/name`, or `data` itself when it is that dataset; raise TrainingError for neither."""
    folder = data if data.name == name else data / name
    if not (folder / "labels.csv").is_file():
        raise TrainingError(
            f"{folder / 'labels.csv'} is missing: point --data at the folder that holds {name}/"
        )
    return folder


def read_labels(folder: Path, *columns: str) -> Iterator[dict[str, str]]:
    """Yield the rows of labels.csv; raise TrainingError unless it has `columns`, none of them empty.

    An empty label would pass for `BACKGROUND` unnoticed.
    """
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for column in columns:
            if column not in (reader.fieldnames or ()):
                raise TrainingError(f"{folder / 'labels.csv'} has no column {column}: see docs/models.md")
        for row in reader:
            for column in columns:
                if not row[column]:
                    raise TrainingError(
                        f"line {reader.line_num} of {folder / 'labels.csv'} has no {column}: fill it in"
                    )
            yield row


def esc50(data: Path) -> Iterator[Recording]:
    """ESC-50 (Piczak 2015): fifty kinds of environmental sound; clips of one source are in one fold."""
    folder = dataset_folder(data, "esc50")
    for row in read_labels(folder, "file", "category", "fold", "src_file"):
        group = f"freesound-{row['src_file']}"
        yield Recording(folder / row["file"], row["category"], "esc50", group, row["fold"])


def urbansound8k(data: Path) -> Iterator[Recording]:
    """UrbanSound8K (Salamon et al. 2014): ten kinds of urban sound; clips of one source are in one fold."""
    folder = dataset_folder(data, "urbansound8k")
    for row in read_labels(folder, "file", "class", "fold", "source_id"):
        group = f"freesound-{row['source_id']}"
        yield Recording(folder / row["file"], row["class"], "urbansound8k", group, row["fold"])


def fsdd(data: Path, labels: Collection[str]) -> Iterator[Recording]:
    """Free Spoken Digit Dataset (Jackson et al. 2018); words that are no label are background."""
    return _words(data, "fsdd", labels)


def speech_commands(data: Path, labels: Collection[str]) -> Iterator[Recording]:
    """Speech Commands (Warden 2018), words of one second; words that are no label are background."""
    return _words(data, "speech_commands", labels)


def ravdess(data: Path) -> Iterator[Recording]:
    """RAVDESS speech (Livingstone and Russo 2018): eight acted emotions; odd actors are men."""
    folder = dataset_folder(data, "ravdess")
    for row in read_labels(folder, "file", "emotion", "actor"):
        voice = "male" if row["actor"][-1:] in set("13579") else "female"
        yield Recording(folder / row["file"], row["emotion"], f"ravdess-{voice}", f"ravdess-{row['actor']}")


def emodb(data: Path, labels: Collection[str]) -> Iterator[Recording]:
    """EMO-DB (Burkhardt et al. 2005): ten German speakers act; emotions that are no label are left out."""
    folder = dataset_folder(data, "emodb")
    for row in read_labels(folder, "file", "emotion", "speaker"):
        if row["emotion"] in labels:
            yield Recording(folder / row["file"], row["emotion"], "emodb", f"emodb-{row['speaker']}")


def non_heart_background(data: Path) -> Iterator[Recording]:
    """Background of the heart models: a choice of environmental and urban sounds and speech."""
    yield from _background("esc50", esc50(data), 4)
    yield from _background("urbansound8k", urbansound8k(data), 8)
    yield from speech_background(data)


def non_voice_background(data: Path) -> Iterator[Recording]:
    """Background of models of voices: a choice of environmental and urban sounds and hearts.

    Without kinds of sound in which a voice laughs, cries, plays or sings.
    """
    yield from _background("esc50", _without(esc50(data), "laughing", "crying_baby"), 4)
    yield from _background(
        "urbansound8k", _without(urbansound8k(data), "children_playing", "street_music"), 6
    )
    yield from heart_background(data)


def speech_background(data: Path) -> Iterator[Recording]:
    """Background of speech: a choice of sentences and words."""
    yield from _background("ravdess", ravdess(data), 8)
    yield from _background("fsdd", fsdd(data, ()), 20)
    yield from _background("speech_commands", speech_commands(data, ()), 40)


def heart_background(data: Path) -> Iterator[Recording]:
    """Background of hearts, of good and poor quality, for models of other sounds."""
    yield from _background("physionet", physionet(data, only_good=False), 20)
    yield from _background("circor", circor(data, BACKGROUND, BACKGROUND), 16)


def partially_labelled_speech(data: Path) -> Iterator[Recording]:
    """A choice of words, whose emotion is not labelled: partial labels."""
    for recording in chain(islice(fsdd(data, ()), 0, None, 8), islice(speech_commands(data, ()), 0, None, 8)):
        yield replace(recording, label=PARTIAL_LABEL)


def _without(recordings: Iterator[Recording], *labels: str) -> Iterator[Recording]:
    return (recording for recording in recordings if recording.label not in labels)


def _background(name: str, recordings: Iterator[Recording], every: int) -> Iterator[Recording]:
    """Yield every `every`-th recording as background."""
    for recording in islice(recordings, 0, None, every):
        yield replace(recording, label=BACKGROUND, site=f"background-{name}", fold="")


def _words(data: Path, name: str, labels: Collection[str]) -> Iterator[Recording]:
    folder = dataset_folder(data, name)
    for row in read_labels(folder, "file", "word", "speaker"):
        label = row["word"] if row["word"] in labels else BACKGROUND
        yield Recording(folder / row["file"], label, name, f"{name}-{row['speaker']}")
