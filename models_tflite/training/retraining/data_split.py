"""Division of a job's recordings into training and held-out parts, with no source in both."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
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

    training: tuple[Recording, ...]
    held_out_uploads: tuple[Recording, ...]
    held_out_public: tuple[Recording, ...]
    """Held-out public recordings that have a label; empty without public data."""
    held_out_background: tuple[Recording, ...] = ()
    """Held-out public recordings that are background."""


def split(
    clips: Sequence[Clip],
    path_of: Callable[[str], Path],
    recipe: Recipe | None,
    public: Path | None,
    labels: Sequence[str],
) -> DataSplit:
    """Divide the uploads, whose files `path_of` returns by their names, and public data below `public`.

    Raises:
        TrainingError: there is no upload, or a label has no recording to train on or none held out.
    """
    clips = [clip for clip in clips if clip.label in labels]  # an upgrade may have dropped a label
    public_recordings = list(recipe.gather(public)) if recipe and public else []
    held_out = [each for each in public_recordings if is_held_out(each.group)]
    evaluated_on = recipe.evaluated_on if recipe else ""
    divided = DataSplit(
        training=(
            *(_recording(clip, path_of) for clip in clips if not clip.held_out),
            *(each for each in public_recordings if not is_held_out(each.group)),
        ),
        held_out_uploads=tuple(_recording(clip, path_of) for clip in clips if clip.held_out),
        held_out_public=tuple(
            each for each in held_out if each.label in labels and each.site.startswith(evaluated_on)
        ),
        held_out_background=tuple(each for each in held_out if each.label == BACKGROUND),
    )
    if not clips:
        raise TrainingError("there are no uploads: give some with `submit`")
    if len({each.group for each in divided.training}) == 1:
        raise TrainingError("all recordings to train on are of one source: upload those of another")
    _require(labels, divided.training, "train on")
    _require(labels, (*divided.held_out_uploads, *divided.held_out_public), "evaluate on")
    return divided


def is_held_out(group: str) -> bool:
    """Return whether a public group is held out: one group in five, always the same.

    By the digest of its name, not at random and not by its place in a list: a version in use must not have
    been trained on what the next one is compared on.
    """
    digest = hashlib.sha256(f"held out: {group}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % ONE_IN == 0


def _recording(clip: Clip, path_of: Callable[[str], Path]) -> Recording:
    return Recording(path_of(clip.file), clip.label, "upload", f"upload-{clip.source}")


def _require(labels: Iterable[str], recordings: Iterable[Recording], purpose: str) -> None:
    labels_there = {recording.label for recording in recordings}
    for label in labels:
        if label not in labels_there:
            raise TrainingError(
                f"there is no recording of {label} to {purpose}: upload two or more, or serve with --data"
            )
