"""Recordings of one's own in class folders: `DIR/<label>/*.wav|mp3|flac|ogg`.

The group of a file, which is never split, is its folder below the label (`DIR/<label>/<source>/…`), else its
name up to the first `_` or `-`: `anna_1.wav` and `anna-2.wav` are both of anna, whatever their labels.
"""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from models_tflite.training.corpus.corpus import BACKGROUND, Recording, TrainingError
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.retraining import upload

BACKGROUND_FOLDER: Final = "background"
"""Folder of sounds that are none of the labels, for models with a background output."""


def holds_class_folders(data: Path, recipe: Recipe) -> bool:
    """Return whether `data` holds folders named as the model's labels, and no public dataset."""
    if not data.is_dir() or (data / "labels.csv").exists():
        return False
    inside = [path for path in data.iterdir() if path.is_dir()]
    return not any((path / "labels.csv").exists() for path in inside) and any(
        path.name in _folder_names(recipe) for path in inside
    )


def for_class_folders(recipe: Recipe) -> Recipe:
    """Return the recipe for class folders: no lessons or pretraining, no public data in the card."""
    facts: dict[str, Any] = {name: recipe.facts[name] for name in ("task", "not_for") if name in recipe.facts}
    return dataclasses.replace(
        recipe,
        gather=lambda data: gather(data, recipe),
        evaluated_on="",
        lessons=None,
        pretraining=None,
        held_out_sites=(),
        contrasts=False,
        facts={
            **facts,
            "data": ["recordings in a folder per label"],
            "licence_of_data": "that of the recordings",
            "split": "file name up to the first _ or -, or the folder below the label",
        },
    )


def gather(data: Path, recipe: Recipe) -> Iterator[Recording]:
    """Yield the recordings below `data`; labels are the names of its folders.

    Raises:
        TrainingError: a folder is no label, a file no audio format, or a label has one group only.
    """
    recordings = [
        Recording(
            each.path,
            BACKGROUND if each.label == BACKGROUND_FOLDER else each.label,
            site="folder",
            group=each.source or re.split("[_-]", each.path.stem)[0],
        )
        for each in upload.read_class_folders(data, _folder_names(recipe))
    ]
    groups: dict[str, set[str]] = defaultdict(set)
    for recording in recordings:
        groups[recording.label].add(recording.group)
    for label in recipe.labels:
        if len(groups[label]) == 1:
            raise TrainingError(
                f"all recordings labelled {label} are of one source, {min(groups[label])}: give another, or "
                "name files so that those of one source begin alike, up to the first _ or -"
            )
    yield from recordings


def _folder_names(recipe: Recipe) -> tuple[str, ...]:
    return (*recipe.labels, BACKGROUND_FOLDER) if recipe.background else recipe.labels
