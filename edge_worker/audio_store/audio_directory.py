"""Store of sounds in a directory: files, written atomically and durably."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from io import BufferedWriter
from itertools import islice
from pathlib import Path

from edge_worker.audio_store.sound import (
    ASIDE,
    FOLDER,
    OWNER,
    Sound,
    file_sound,
    first_line_of,
    is_sound_name,
    open_file,
)
from edge_worker.errors import AudioError, StoreError


class AudioDirectory:
    """The folders `audio` and `orphans` of a data directory."""

    is_remote = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.place = str(directory / FOLDER)

    def write(self, name: str, parts: Iterable[bytes | bytearray], size: int) -> None:
        """Store a sound: it is whole after a power cut, or not there at all."""
        self._write({name: parts})

    def write_all(self, sounds: Mapping[str, Sequence[bytes | bytearray]]) -> None:
        """Store several sounds likewise; the disk takes them together."""
        self._write(sounds)

    def _write(self, sounds: Mapping[str, Iterable[bytes | bytearray]]) -> None:
        # Not pathlib: it takes as long as the disk.
        paths = [f"{self._directory}/{name}" for name in sounds]
        with ExitStack() as stack:
            drafts = [stack.enter_context(_opened(_draft(path))) for path in paths]
            for draft, parts in zip(drafts, sounds.values(), strict=True):
                draft.writelines(parts)
                draft.flush()
            for draft in drafts if len(drafts) > 1 else ():
                _begin_to_sync(draft.fileno())
            for draft in drafts:
                os.fsync(draft.fileno())
        for path in paths:
            os.replace(_draft(path), path)  # noqa: PTH105 - likewise
        for folder in {os.path.dirname(path) for path in paths}:  # noqa: PTH120 - likewise
            _sync_directory(folder)

    def find(self, name: str) -> Sound | None:
        """Return a sound, None where there is none; raises AudioError for a file outside of `audio`."""
        path = self._directory / name
        if not is_sound_name(name) or not self._is_ours(path):
            raise AudioError(f"{name} is no file below {FOLDER}")
        return file_sound(path, name)

    def sounds(self, folder: str = FOLDER) -> Iterator[Sound]:
        """Yield all sounds below a folder."""
        yield from filter(None, map(self._listed, (self._directory / folder).glob("*/*")))

    def part(self, after: str, limit: int) -> list[Sound]:
        """Return up to `limit` sounds whose names follow `after`, in the order of their names."""
        folder = self._directory / FOLDER
        # In the order of names, in which a slash comes behind some letters that a device may have.
        names = sorted(f"{each.name}/" for each in folder.iterdir()) if folder.is_dir() else []
        reached = after.removeprefix(f"{FOLDER}/").partition("/")[0] + "/"
        sounds = (sound for name in names if name >= reached for sound in self._of_folder(folder / name))
        return list(islice((sound for sound in sounds if sound.name > after), limit))

    def _of_folder(self, folder: Path) -> list[Sound]:
        found = (self._listed(path) for path in folder.glob("*"))
        return sorted(filter(None, found), key=lambda sound: sound.name)

    def _listed(self, path: Path) -> Sound | None:
        """Return a file of a folder as a sound; None: it was removed meanwhile."""
        try:
            status = path.lstat()
        except FileNotFoundError:
            return None
        name = path.relative_to(self._directory).as_posix()
        return Sound(name, status.st_size, status.st_mtime, partial(open_file, path))

    def remove(self, names: Sequence[str]) -> int:
        """Remove those of the sounds that are there; return how many bytes they had."""
        return sum(map(self._remove, names))

    def _remove(self, name: str) -> int:
        path = self._directory / name
        if not self._is_ours(path.parent):
            return 0  # whatever the database says, only audio is removed
        try:
            size = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreError(f"{name} cannot be removed ({error}); mend that and delete again") from error
        return size

    def set_aside(self, name: str) -> None:
        """Move a sound to `ASIDE`."""
        source = self._directory / name
        target = self._directory / ASIDE / source.parent.name / source.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(source, target)  # the folder of sounds may be on another disk

    def as_file(self, name: str, folder: Path) -> Path:
        """Return the file of a sound."""
        return self._directory / name

    def owner(self) -> str:
        """Return whose sounds these are, an empty text where nobody has said so."""
        try:
            return first_line_of((self._directory / OWNER).read_bytes())
        except FileNotFoundError:
            return ""

    def set_owner(self, owner: str) -> None:
        """Note whose sounds these are."""
        self.write(OWNER, [f"{owner}\n".encode()], len(owner) + 1)

    def check(self) -> str:
        """Return where sounds are kept."""
        return f"in {self.place}"

    def _is_ours(self, path: Path) -> bool:
        # The folder itself may be a link, to a disk that several machines share.
        return path.resolve().is_relative_to((self._directory / FOLDER).resolve())


def _draft(path: str) -> str:
    """Return where a file is written before it is whole."""
    return f"{path.removesuffix('.wav')}.tmp"


def _opened(path: str) -> BufferedWriter:
    """Return a new file; its folder is made for the first one."""
    try:
        return open(path, "wb")  # noqa: PTH123 - the caller closes it
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")  # noqa: PTH123 - likewise


def _begin_to_sync(descriptor: int) -> None:
    """Let the disk begin to write a file, and return; where the system cannot, `fsync` does all of it."""
    if hasattr(os, "posix_fadvise"):  # macOS has none
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
