"""The files of a model, replaced atomically: network, card and page (.tflite, .json, .md)."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from edge_worker.protocol import strict_json
from models_tflite import card_page
from models_tflite.training.corpus.corpus import TrainingError


def check_writable(folder: Path) -> None:
    """Raise TrainingError unless `folder` can be written: before hours of training, not after them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written ({error.strerror}): choose another --out") from error


def write(folder: Path, card: dict[str, Any], content: bytes) -> None:
    """Replace the files of a model in `folder` by a network and its card; raise TrainingError."""
    text = strict_json.write(card, indent=1) + "\n"
    replace(
        {
            folder / f"{card['model']}.tflite": content,
            folder / f"{card['model']}.json": text.encode(),
            folder / f"{card['model']}.md": card_page.page(json.loads(text)).encode(),
        }
    )


def replace(files: dict[Path, bytes]) -> None:
    """Replace files so that each is the old or the new one at any time; raise TrainingError.

    Each file is written beside its place first; what is there already stays when one cannot be written.
    """
    try:
        for path, content in files.items():
            _part(path).write_bytes(content)
        for path in files:
            os.replace(_part(path), path)  # noqa: PTH105 the atomic one, by name
    except OSError as error:
        for path in files:
            _part(path).unlink(missing_ok=True)
        raise TrainingError(
            f"{error.filename} cannot be written ({error.strerror}): choose another --out"
        ) from error


def _part(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".part")
