"""Labelled audio files of a user, stored as training clips of a model: all of them or none."""

import hashlib
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.database.training import Clip, TrainingTables, source_digest
from edge_worker.errors import AudioError
from models_tflite.evaluation import audio
from models_tflite.training.corpus.corpus import TrainingError

TRAINER_LOCK: Final = "trainer.lock"
"""File in the data directory that a trainer holds while it serves."""
SUFFIXES: Final = (".wav", ".mp3", ".flac", ".ogg")


@dataclass(frozen=True, slots=True)
class Upload:
    """An audio file with its label."""

    path: Path
    label: str
    source: str | None = None
    """The patient or device that it shares with others; None: not known."""


def read_class_folders(folder: Path, labels: Sequence[str]) -> Iterator[Upload]:
    """Yield `folder/<label>/*.wav|mp3|flac|ogg` and `folder/<label>/<source>/*`, sorted, no hidden files.

    The source of a file is its folder below the label, else its name up to the first `_` or `-`: `anna_1.wav`
    and `anna-2.wav` are both of anna, whatever their labels.

    Raises:
        TrainingError: a folder is no label, a file no audio format, or there is nothing.
    """
    try:
        classes = [path for path in sorted(folder.iterdir()) if path.is_dir() and not _is_hidden(path)]
        if not classes:
            raise TrainingError(f"{folder} holds no class folders: make one for each of {', '.join(labels)}")
        for each in classes:
            if each.name not in labels:
                raise TrainingError(f"{each} is no label of this model: use {', '.join(labels)}")
        for each in classes:
            for path in _audio_files(each):
                source = path.parent.name if path.parent != each else re.split("[_-]", path.stem)[0]
                yield Upload(path, each.name, source)
    except OSError as error:
        raise TrainingError(
            f"{error.filename} cannot be read ({error.strerror}): correct --data or its permissions"
        ) from error


def add(
    tables: TrainingTables, data_dir: Path, model: str, labels: Sequence[str], uploads: Sequence[Upload]
) -> list[Clip]:
    """Copy new recordings below `data_dir/training` and add them to the tables; return the new clips.

    Whether there are enough of them is settled when a job is queued: `require_two_sources`.

    Recordings that are stored already are left out. Names of users' files are never used: a copy is named by
    its digest.

    Raises:
        TrainingError: an unknown label, a recording with two labels, no permission.
        AudioError: a file is empty or no audio.
    """
    stored = tables.clips(model)
    clips = {upload.path: _clip(model, labels, upload) for upload in uploads}
    new = _new(stored, clips)
    copied: list[Path] = []
    try:
        for path, clip in new.items():
            target = data_dir / clip.file
            if not target.exists():
                _copy(path, target)
                copied.append(target)
        return tables.add_clips(list(new.values()))
    except BaseException as error:
        for path in copied:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise TrainingError(
                f"{error.filename} cannot be written ({error.strerror}): nothing was taken over"
            ) from error
        raise


def require_two_sources(clips: Sequence[Clip], labels: Sequence[str]) -> None:
    """Raise TrainingError where all recordings of a label are of one source: one source is held out."""
    sources: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        sources[clip.label].add(clip.source)
    for label in labels:
        if len(sources[label]) == 1:
            raise TrainingError(
                f"all recordings of {label} are of one source: give a second one, one is held out"
            )


def require_trainable(clips: Sequence[Clip], labels: Sequence[str]) -> None:
    """Raise TrainingError where there is no recording, or where a label has those of one source only."""
    if not clips:
        raise TrainingError("there is nothing to train on: hand over some recordings first")
    require_two_sources(clips, labels)


def _clip(model: str, labels: Sequence[str], upload: Upload) -> Clip:
    if upload.label not in labels:
        raise TrainingError(f"{upload.label!r} is no label of {model}: use {', '.join(labels)}")
    try:
        audio.read(upload.path)
        content = upload.path.read_bytes()
    except (AudioError, OSError) as error:
        raise AudioError(
            f"{upload.path} holds no sound that can be read: repair it or take it out"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    file = f"training/{model}/{upload.label}/{digest}{upload.path.suffix.lower()}"
    source = digest if upload.source is None else source_digest(upload.source)
    return Clip(model, upload.label, file, digest, source)


def _new(stored: Sequence[Clip], clips: dict[Path, Clip]) -> dict[Path, Clip]:
    """Return the clips that are new, each once; raise TrainingError for a recording with two labels."""
    labelled = {clip.sha256: clip.label for clip in stored}
    new = {}
    for path, clip in clips.items():
        if labelled.get(clip.sha256, clip.label) != clip.label:
            raise TrainingError(
                f"{path} is labelled {clip.label}, and the same sound {labelled[clip.sha256]}: decide which"
            )
        if clip.sha256 not in labelled:
            labelled[clip.sha256] = clip.label
            new[path] = clip
    return new


def _audio_files(folder: Path, *, is_nested: bool = False) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if _is_hidden(path):
            continue
        if path.is_dir() and not is_nested:
            yield from _audio_files(path, is_nested=True)
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            raise TrainingError(f"{path} is no wav, mp3, flac or ogg: convert it or take it out")


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as sound, part.open("wb") as copy:
            shutil.copyfileobj(sound, copy)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(part, target)  # noqa: PTH105 the atomic one, by name
    finally:
        part.unlink(missing_ok=True)
