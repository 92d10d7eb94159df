"""Where the versions of the models lie, and which of them is in use.

A model is shipped as a pair in `STETHO_MODELS_DIR`. What is trained on this machine lies beside the data, a
directory a version, and is never changed again:

    <data_dir>/models/<model>/active                                  the version in use, one line
    <data_dir>/models/<model>/<version>/<model>.tflite and .json      the pair

Without `active` the shipped pair is in use. Changing that one file, atomically, promotes and rolls back.
"""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Final

from edge_worker.errors import ModelError
from edge_worker.settings import Settings

SHIPPED: Final = "shipped"
"""What people say for "no version of this machine": the pair in `STETHO_MODELS_DIR`."""

_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+-]{0,31}")
_POINTER: Final = "active"

ChangeToken = tuple[int, int] | str | None
"""Changes whenever a pointer is written; comparing it costs one stat."""


class ModelRegistry:
    """The model files of one site."""

    def __init__(self, shipped: Path, local: Path) -> None:
        """Look for shipped pairs in `shipped` and for versions of this machine in `local`."""
        self._shipped = shipped
        self._local = local

    @classmethod
    def from_settings(cls, settings: Settings) -> "ModelRegistry":
        """Return the shelf that the settings describe."""
        return cls(settings.models_dir, settings.data_dir / "models")

    def classifiers(self) -> list[str]:
        """Return the names of all shipped classifiers; pairs of another kind have another loader."""
        names = sorted(path.stem for path in self._shipped.glob("*.tflite"))
        return [name for name in names if _kind(self._shipped / f"{name}.json") == "classifier"]

    def active(self, model: str) -> str | None:
        """Return the version that is in use, None for the shipped one; raises ModelError."""
        pointer = self._local / model / _POINTER
        try:
            text = pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{pointer} cannot be read ({error}): {_roll_back(model)}") from error
        if not _VERSION.fullmatch(text):
            raise ModelError(f"{pointer} names no version: {_roll_back(model)}")
        return text

    def change_token(self, model: str) -> ChangeToken:
        """Return what changes when the version in use changes."""
        try:
            found = (self._local / model / _POINTER).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(error)
        return found.st_ino, found.st_mtime_ns

    def directory(self, model: str, version: str | None) -> Path:
        """Return where the pair of a version lies; None is the shipped one."""
        return self._shipped if version is None else self._local / model / version

    def card(self, model: str, version: str | None) -> dict[str, Any]:
        """Return the card of a version as it is; raises ModelError when there is none."""
        path = self.directory(model, version) / f"{model}.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} is no model card ({error}): copy the pair again") from error
        if not isinstance(document, dict):
            raise ModelError(f"{path} is no model card: copy the pair again")
        return document

    def has(self, model: str, version: str) -> bool:
        """Return whether a version of this machine is there."""
        return bool(_VERSION.fullmatch(version)) and self.directory(model, version).is_dir()

    def put(self, model: str, version: str, source: Path) -> None:
        """Keep the pair in `source` as a version, whole or not at all; it is not in use by that.

        Raises:
            ModelError: the version is there already, its name is none, or the disk refuses.
        """
        target = self.directory(model, version)
        if not _VERSION.fullmatch(version) or target.exists():
            raise ModelError(f"{model} {version} cannot be kept: it is there already, or is no version")
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
        """Make a version the one in use, None the shipped one; the worker follows within a second or two.

        Raises:
            ModelError: there is no such version, or the disk refuses.
        """
        if version is not None and not self.has(model, version):
            raise ModelError(f"{model} has no version {version} on this machine: list them with `versions`")
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
            raise ModelError(f"{pointer} cannot be written ({error.strerror}): grant it") from error


def _kind(path: Path) -> str:
    """Return what a card describes; a card that cannot be read is for the loader to complain about."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return str(json.loads(path.read_text(encoding="utf-8")).get("kind", "classifier"))
    return "classifier"


def _roll_back(model: str) -> str:
    return f"run `python -m models_tflite.training rollback {model} {SHIPPED}` or another version"


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
