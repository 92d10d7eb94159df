"""Archive of a site: a tar file whose last member, the manifest, lists every file with size and SHA-256.

An archive is written beside its final name and gets that name when it is whole and durable. What the manifest
does not list, or lists otherwise, is no part of it.
"""

import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from edge_worker.errors import BackupError
from edge_worker.protocol import strict_json

DATA: Final = "data"
BROKER: Final = "broker"
_MANIFEST: Final = "manifest.json"
_FORMAT: Final = "stetho-backup-1"
_BLOCK: Final = 2**20

Progress = Callable[[int], object]
"""Called with the bytes that were read or written since the last call."""


class _Entry(NamedTuple):
    size: int
    sha256: str


class ArchiveWriter:
    """Archive in the making; a context manager that removes what it wrote unless `commit` was called."""

    def __init__(self, path: Path, progress: Progress) -> None:
        """Write the archive `path`.

        Raises:
            BackupError: another process writes it.
            OSError: its folder cannot be written.
        """
        self._path = path
        self._draft = path.with_name(f"{path.name}.part")
        self._progress = progress
        self._entries: dict[str, _Entry] = {}
        descriptor = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise BackupError(f"another backup writes {path}; let it end, or name another file") from error
        self._file.truncate(0)
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self._draft.unlink(missing_ok=True)
            self._file.close()

    def add(self, name: str, content: bytes) -> None:
        """Add a file of this content, which fits into memory."""
        self._add(name, io.BytesIO(content))

    def add_file(self, name: str, path: Path) -> None:
        """Add the file at `path`, which nobody changes."""
        with path.open("rb") as file:
            self._add(name, file)

    def commit(self, facts: dict[str, Any]) -> None:
        """Write the manifest with these `facts`, and give the archive its name; it is durable then."""
        manifest = {"format": _FORMAT, **facts, "files": self._entries}
        self.add(_MANIFEST, strict_json.write(manifest).encode())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._draft.replace(self._path)
        self._file.close()
        folder = os.open(self._path.absolute().parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _add(self, name: str, file: io.BytesIO | io.BufferedReader) -> None:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        header = tarfile.TarInfo(name)
        header.size, header.mode = file.seek(0, os.SEEK_END), 0o600
        file.seek(0)
        self._tar.addfile(header, file)
        self._entries[name] = _Entry(header.size, digest)
        self._progress(header.size)


class Archive:
    """Whole archive, opened for reading; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open the archive `path` and read its manifest.

        Raises:
            BackupError: it is no archive of a site, or a damaged one.
        """
        self._path = path
        try:
            self._tar = tarfile.TarFile(path)
            self._members = {member.name: member for member in self._tar}
            content = self._tar.extractfile(_MANIFEST)
            manifest = json.load(content) if content is not None else {}
            entries = {name: _Entry(int(size), sha) for name, (size, sha) in manifest.pop("files").items()}
        except (OSError, tarfile.TarError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise BackupError(f"{path} is no whole backup of a site ({error}); use another one") from error
        if manifest.get("format") != _FORMAT:
            raise BackupError(f"{path} is a backup of another version of this program; restore it with that")
        self._entries: dict[str, _Entry] = entries
        self.facts: dict[str, Any] = manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def size(self, part: str) -> int:
        """Return the bytes of all files of a part, `DATA` or `BROKER`; 0: it is not there."""
        return sum(self._entries[name].size for name in self._names(part))

    def extract(self, part: str, into: Path, progress: Progress) -> None:
        """Write all files of a part below `into`, which is private.

        Raises:
            BackupError: a file is not what the manifest says.
            OSError: there is no room or no permission.
        """
        for name in self._names(part):
            path = into.joinpath(*PurePosixPath(name).parts[1:])
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._extract(name, path, progress)

    def _names(self, part: str) -> Iterator[str]:
        for name in self._entries:
            pure = PurePosixPath(name)
            if ".." in pure.parts or pure.is_absolute() or len(pure.parts) <= 1:
                raise BackupError(f"{self._path} names a file outside of a site ({name!r}); use another one")
            if pure.parts[0] == part:
                yield name

    def _extract(self, name: str, path: Path, progress: Progress) -> None:
        entry, member = self._entries[name], self._members.get(name)
        content = self._tar.extractfile(member) if member is not None and member.isreg() else None
        if content is None:
            raise BackupError(f"{self._path} lacks {name}; use another backup")
        size, digest = 0, hashlib.sha256()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := content.read(_BLOCK):
                file.write(block)
                digest.update(block)
                size += len(block)
                progress(len(block))
        if (size, digest.hexdigest()) != entry:
            raise BackupError(f"{self._path} is damaged in {name}; use another backup")
