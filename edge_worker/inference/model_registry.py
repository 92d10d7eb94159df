"""Model registry: the versions of each model on disk, and which of them is in use.

A model is shipped as a pair of files in `STETHO_MODELS_DIR`. Versions trained on this machine are stored in
the data directory, one directory each, and never changed:

    <data_dir>/models/<model>/active                                  the version in use, one line
    <data_dir>/models/<model>/<version>/<model>.tflite and .json      the pair

Without `active` the shipped pair is in use. Replacing that one file, atomically, promotes or rolls back.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge_worker.errors import ModelError
from edge_worker.own_command import stetho
from edge_worker.protocol.meaning import Meaning, Texts
from edge_worker.settings import DEFAULT_MODELS_DIR, Settings

SEGMENTER: Final = "segments"
"""The model of heart sounds, whose card tells so; it may be damaged."""
SHIPPED: Final = "shipped"
"""Name of the pair in `STETHO_MODELS_DIR` in commands and requests."""

_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+-]{0,31}")
_POINTER: Final = "active"

ChangeToken = tuple[int, int] | str | None
"""State of an `active` file; it differs after every write. Reading it costs one stat."""


class ModelRegistry:
    """Shipped and locally trained model versions of one site."""

    def __init__(self, shipped: Path, local: Path) -> None:
        """Use the shipped pairs in `shipped` and the versions of this machine in `local`."""
        self._shipped = shipped
        self._local = local

    @classmethod
    def from_settings(cls, settings: Settings) -> "ModelRegistry":
        """Return the registry in the directories of the settings."""
        return cls(settings.models_dir, settings.data_dir / "models")

    def classifiers(self) -> list[str]:
        """Return the names of all shipped classifiers; models of other kinds have loaders of their own."""
        names = {path.stem for path in self._shipped.glob("*.tflite")}
        names |= {path.stem for path in self._shipped.glob("*.json") if "sha256" in _card(path)}
        kinds = {
            name: _card(self._shipped / f"{name}.json").get("kind", "classifier") for name in sorted(names)
        }
        return [name for name, kind in kinds.items() if kind == "classifier" and name != SEGMENTER]

    def is_shipped(self, model: str) -> bool:
        """Return whether there is at least a part of the shipped pair of a model."""
        return any((self._shipped / f"{model}.{suffix}").exists() for suffix in ("tflite", "json"))

    def active(self, model: str) -> str | None:
        """Return the version in use, None for the shipped one; raises ModelError when `active` is damaged."""
        pointer = self._local / model / _POINTER
        try:
            text = pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{pointer} cannot be read ({error}): {_rollback_hint(model)}") from error
        if not _VERSION.fullmatch(text):
            raise ModelError(f"{pointer} names no version: {_rollback_hint(model)}")
        return text

    def change_token(self, model: str) -> ChangeToken:
        """Return a token that differs once the version in use has changed."""
        try:
            status = (self._local / model / _POINTER).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(error)
        return status.st_ino, status.st_mtime_ns

    def directory(self, model: str, version: str | None) -> Path:
        """Return the directory of a version; None stands for the shipped one."""
        return self._shipped if version is None else self._local / model / version

    def card(self, model: str, version: str | None) -> dict[str, Any]:
        """Return the card of a version as a JSON object; raises ModelError when it cannot be read."""
        path = self.directory(model, version) / f"{model}.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} is no model card ({error}): copy the pair again") from error
        if not isinstance(document, dict):
            raise ModelError(f"{path} is no model card: copy the pair again")
        return document

    def meanings(self, model: str, version: str | None) -> dict[str, Meaning]:
        """Return what labels of a version mean: by its own card, else by the shipped ones."""
        found: dict[str, Meaning] = {}
        for words in self._words(model, version):
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                found |= {label: Meaning.parse(entry) for label, entry in words["meanings"].items()}
        return found

    def name(self, model: str, version: str | None) -> Texts:
        """Return the name of a model by language: by its own card, else by the shipped ones."""
        names = [each["name"] for each in self._words(model, version) if isinstance(each.get("name"), dict)]
        return names[-1] if names else {}

    def _words(self, model: str, version: str | None) -> Iterator[dict[str, Any]]:
        """Yield the cards that say something for people, that of the version itself last."""
        for directory in (DEFAULT_MODELS_DIR, self._shipped, self.directory(model, version)):
            with contextlib.suppress(OSError, ValueError):
                card = json.loads((directory / f"{model}.json").read_text(encoding="utf-8"))
                if isinstance(card, dict):
                    yield card

    def adaptable_sha256(self, model: str) -> str | None:
        """Return the SHA-256 of the version in use; None where there is none that can be calibrated."""
        try:
            card = self.card(model, self.active(model))
        except ModelError:
            return None
        return card.get("sha256") if "adaptation" in card else None

    def has(self, model: str, version: str) -> bool:
        """Return whether this machine has a version."""
        return bool(_VERSION.fullmatch(version)) and self.directory(model, version).is_dir()

    def put(self, model: str, version: str, source: Path) -> None:
        """Store the pair in `source` as a version, atomically, without putting it into use.

        Raises:
            ModelError: the version exists, its name is not valid, or it cannot be written.
        """
        target = self.directory(model, version)
        if not _VERSION.fullmatch(version) or target.exists():
            raise ModelError(
                f"{model} {version} cannot be stored: it exists already, or its name is not a version"
            )
        part = target.with_name(f".{version}.part")
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for suffix in ("tflite", "json"):
                _write_durably(part / f"{model}.{suffix}", (source / f"{model}.{suffix}").read_bytes())
            _sync(part)
            part.rename(target)
            _sync(target.parent)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise ModelError(f"{target} cannot be written ({error.strerror}): make room there") from error

    def activate(self, model: str, version: str | None) -> None:
        """Put a version into use, None for the shipped one; the worker follows within a second or two.

        Raises:
            ModelError: there is no such version, or `active` cannot be written.
        """
        if version is not None and not self.has(model, version):
            raise ModelError(
                f"{model} has no version {version} on this machine: `{stetho('trainer versions')}` lists them"
            )
        pointer = self._local / model / _POINTER
        try:
            if version is None:
                pointer.unlink(missing_ok=True)
            else:
                part = pointer.with_name(f".{_POINTER}.part")
                _write_durably(part, f"{version}\n".encode())
                os.replace(part, pointer)  # noqa: PTH105 the atomic one, by name
            if pointer.parent.is_dir():
                _sync(pointer.parent)
        except OSError as error:
            raise ModelError(f"{pointer} cannot be written ({error.strerror}): grant write access") from error


def _card(path: Path) -> dict[str, Any]:
    """Return a card, empty where it cannot be read: its loader reports the error."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = json.loads(path.read_text(encoding="utf-8"))
        return document if isinstance(document, dict) else {}
    return {}


def _rollback_hint(model: str) -> str:
    return f"run `{stetho(f'trainer rollback {model} {SHIPPED}')}` or another version"


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file and flush it to disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Flush the entries of a directory to disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
