"""Endpoint `/upload-training-data`: labelled sounds for retraining (row E6 of the heart system)."""

import shutil
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from edge_worker.database.training import TrainingTables
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import StethoError
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.sound_files.sound_file_error import SoundFileError
from edge_worker.sound_files.sound_reader import open_sound
from history_api.models import models
from history_api.openapi.operation import (
    PRINTABLE,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    json_answer,
    operation,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import COUNT, TEXT, Schema, ref, strict_object
from history_api.services import services
from models_tflite.training.retraining import upload

_KINDS: Final = ("wav", "mp3", "flac", "ogg")
"""Kept as they are; others become WAV, which the trainer reads."""
_MAX_FILES: Final = 500
MODEL: Final = query("model", {**PRINTABLE, "default": "heart2"}, "the model to train")
_FILES: Final[Schema] = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "target_class": TEXT,
                    "source": TEXT | {"description": "once for all files, or once for each, in their order"},
                },
                "required": ["files"],
            }
        }
    }
}
blueprint = Blueprint("training_data", __name__)
PATHS: Final[Paths] = {
    "/upload-training-data": {
        "post": operation(
            "labelled sounds under the key `files`: all are stored, or none",
            "upload_training_data",
            {"200": json_answer(ref("ClipsAnswer")), "409": PROBLEM, "413": PROBLEM, "415": PROBLEM}
            | UNAVAILABLE,
            (
                MODEL,
                query("target_class", PRINTABLE, "the label of all these files"),
                query(
                    "source",
                    PRINTABLE,
                    "subject or origin of the files; of each by itself as a field of the form, or as the "
                    "folder in its name; those of one source are never split between training and evaluation",
                ),
            ),
            _FILES,
        )
    },
}
SCHEMAS: Final[dict[str, Schema]] = {
    "ClipsAnswer": strict_object({"message": TEXT, "count": COUNT, "held_out": COUNT, "known": COUNT}),
}


@blueprint.post("/upload-training-data")
def upload_training_data() -> Response:
    """Store labelled sounds as training data of a model."""
    model, label = g.query["model"], g.query["target_class"] or request.form.get("target_class")
    labels = labels_of(model)
    if label is None or label not in labels:
        raise ProblemError(
            400,
            f"target_class is {label!r}; {model} has {', '.join(labels)}",
            parameter="target_class",
        )
    files = request.files.getlist("files")
    if not 0 < len(files) <= _MAX_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {_MAX_FILES}")
    with _temporary_copies(files) as paths:
        sources = _sources(files)
        uploads = [upload.Upload(path, label, each) for path, each in zip(paths, sources, strict=True)]
        added = _add(model, labels, uploads, dict(zip(paths, files, strict=True)))
    held_out = sum(clip.held_out for clip in added)
    known = len(files) - len(added)
    message = f"Uploaded {len(added)} files, {held_out} of them held out for evaluation; {known} were known"
    return jsonify({"message": message, "count": len(added), "held_out": held_out, "known": known})


def _sources(files: Sequence[FileStorage]) -> list[str | None]:
    """Return the source of each file: what is said of all or of each, else the folder in its name."""
    stated = [g.query["source"]] if g.query["source"] else request.form.getlist("source")
    if len(stated) > 1 and len(stated) != len(files):
        raise ProblemError(
            400, f"there are {len(stated)} sources for {len(files)} files; give one, or one for each"
        )
    of_each = stated if len(stated) > 1 else stated * len(files) or [""] * len(files)
    return [source or _folder(file) for source, file in zip(of_each, files, strict=True)]


def _folder(file: FileStorage) -> str | None:
    folders = (file.filename or "").replace("\\", "/").split("/")[:-1]
    return folders[-1] if folders and folders[-1] not in (".", "..") else None


def labels_of(model: str) -> Sequence[str]:
    """Return the labels of a model; raise ProblemError 400 where there is none of this name."""
    cards = models.cards(services().settings)
    if model not in cards:
        raise ProblemError(
            400, f"there is no model {model!r}; choose of {', '.join(cards)}", parameter="model"
        )
    labels: Sequence[str] = cards[model]["labels"]
    return labels


@contextmanager
def _temporary_copies(files: Sequence[FileStorage]) -> Iterator[list[Path]]:
    """Yield copies of files on disk, under names of our own, as the trainer reads them."""
    folder = services().settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        paths = []
        for number, file in enumerate(files):
            path = Path(directory) / f"{number:04}"
            with path.open("wb") as copy:
                shutil.copyfileobj(file.stream, copy)
            paths.append(path.rename(path.with_suffix(_made_readable(path, file.filename))))
        yield paths


def _made_readable(path: Path, name: str | None) -> str:
    """Return the suffix of a sound that the trainer reads, which it becomes; raise ProblemError (415)."""
    try:
        with open_sound(path, path.parent) as sound:
            if sound.kind in _KINDS:
                return f".{sound.kind}"
            decoded = path.with_suffix(".decoded")
            with wave.open(str(decoded), "wb") as copy:
                copy.setparams((sound.channels, SAMPLE_BYTES, sound.sample_rate, 0, "NONE", ""))
                for block in sound.blocks():
                    copy.writeframes(block.astype("<i2").tobytes())
        decoded.replace(path)
    except SoundFileError as error:
        raise ProblemError(415, f"{name!r}: {error}; no file was stored") from None
    return ".wav"


def _add(
    model: str, labels: Sequence[str], uploads: list[upload.Upload], names: dict[Path, FileStorage]
) -> list[Any]:
    data_dir = services().settings.data_dir
    try:
        with lock_directory(
            data_dir / "submit.lock", "other training data is being added; try again afterwards"
        ):
            tables = TrainingTables(services().database)
            return list(upload.add(tables, data_dir, model, labels, uploads))
    except StethoError as error:
        detail = str(error)
        for path, file in names.items():
            detail = detail.replace(str(path), repr(file.filename))
        raise ProblemError(409, f"{detail}; no file was stored") from error
