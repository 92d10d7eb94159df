"""What a job may learn from and what both models are judged by: two sides that no source ever stands on."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.database.training import Clip
from models_tflite.training.corpus.corpus import BACKGROUND, Recording, TrainingError
from models_tflite.training.recipes.recipe import Recipe

ONE_IN: Final = 5
"""One public group in so many is held out."""


@dataclass(frozen=True, slots=True)
class DataSplit:
    """The recordings of one job."""

    learn: tuple[Recording, ...]
    uploads: tuple[Recording, ...]
    """Uploads held out."""
    public: tuple[Recording, ...]
    """Public recordings held out; empty without public data."""
    background: tuple[Recording, ...] = ()
    """Public recordings held out that are none of the labels."""


def gather(
    clips: Sequence[Clip], data_dir: Path, recipe: Recipe | None, public: Path | None, labels: Sequence[str]
) -> DataSplit:
    """Return both sides of the uploads below `data_dir` and of the recipe's data below `public`.

    Raises:
        TrainingError: there is no upload, or a label has nothing to learn from or nothing to be judged by.
    """
    clips = [clip for clip in clips if clip.label in labels]  # an upgrade may have dropped a label
    known = list(recipe.gather(public)) if recipe and public else []
    held_out = [each for each in known if is_held_out(each.group)]
    evaluated_on = recipe.evaluated_on if recipe else ""
    data_split = DataSplit(
        learn=(
            *(_recording(clip, data_dir) for clip in clips if not clip.held_out),
            *(each for each in known if not is_held_out(each.group)),
        ),
        uploads=tuple(_recording(clip, data_dir) for clip in clips if clip.held_out),
        public=tuple(
            each for each in held_out if each.label in labels and each.site.startswith(evaluated_on)
        ),
        background=tuple(each for each in held_out if each.label == BACKGROUND),
    )
    if not clips:
        raise TrainingError("there are no uploads: give some with `submit`")
    if len({each.group for each in data_split.learn}) == 1:
        raise TrainingError("all that may be learned is of one source: upload sounds of another")
    _require(labels, data_split.learn, "learn from")
    _require(labels, (*data_split.uploads, *data_split.public), "be judged by")
    return data_split


def is_held_out(group: str) -> bool:
    """Return whether recordings of a public group are only judged by: one group in five, always the same.

    By the digest of its name, not by chance and not by its place in a list: a version that is in use must not
    have learned what the next one is compared by.
    """
    digest = hashlib.sha256(f"held out: {group}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % ONE_IN == 0


def _recording(clip: Clip, data_dir: Path) -> Recording:
    return Recording(data_dir / clip.file, clip.label, "upload", f"upload-{clip.source}")


def _require(labels: Iterable[str], recordings: Iterable[Recording], purpose: str) -> None:
    there = {recording.label for recording in recordings}
    for label in labels:
        if label not in there:
            raise TrainingError(
                f"there is nothing of {label} to {purpose}: upload two or more, or serve with --data"
            )
