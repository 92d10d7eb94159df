"""Store of sounds in a bucket of any S3-compatible object store."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.store import S3Store

from edge_worker.audio_store.bucket_fault import sentences
from edge_worker.audio_store.object_reader import ObjectReader
from edge_worker.audio_store.sound import ASIDE, FOLDER, OWNER, Sound, first_line_of, is_sound_name
from edge_worker.errors import AudioError

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PART_BYTES: Final = 5 * 2**20
"""A larger sound is sent in parts of this size, the least that S3 takes."""
_PARTS_AT_ONCE: Final = 4
"""Bounds what is in memory of a sound that comes in parts."""
_BLOCK_BYTES: Final = 2**20
"""Read at once, at least."""
_REMOVED_AT_ONCE: Final = 8
_LISTED_AT_ONCE: Final = 1000
"""As many as S3 tells in one answer: no more is asked for than is read."""
_NO_SOUND: Final = f"{FOLDER}/none"
"""Asked for to know whether the store answers: that it is not there costs less than any list."""


class AudioBucket:
    """The objects `audio/…` and `orphans/…` below the prefix of a bucket."""

    is_remote = True

    def __init__(self, store: S3Store, place: str) -> None:
        """Keep sounds in `store`, which sentences call `place`."""
        self._store = store
        self.place = place

    def write(self, name: str, parts: Iterable[bytes | bytearray], size: int) -> None:
        """Store a sound: S3 shows an object when it has all of it, and keeps it from then on."""
        with sentences(self.place):
            if size <= _PART_BYTES:
                obstore.put(self._store, name, b"".join(parts), use_multipart=False)
            else:
                obstore.put(
                    self._store, name, iter(parts), chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
                )

    def write_all(self, sounds: Mapping[str, Sequence[bytes | bytearray]]) -> None:
        """Store sounds one after the other: each has a request of its own."""
        for name, parts in sounds.items():
            self.write(name, parts, sum(map(len, parts)))

    def find(self, name: str) -> Sound | None:
        """Return a sound, None where there is none; raises AudioError for what is no name of a sound."""
        if not is_sound_name(name):
            raise AudioError(f"{name} is no object below {FOLDER}")
        with suppress(FileNotFoundError), sentences(self.place):
            return self._sound(obstore.head(self._store, name))
        self._require_bucket(name)
        return None

    def sounds(self, folder: str = FOLDER) -> Iterator[Sound]:
        """Yield all sounds below a folder."""
        yield from self._listed(folder, None)

    def part(self, after: str, limit: int) -> list[Sound]:
        """Return up to `limit` sounds whose names follow `after`, in the order of their names."""
        return list(islice(self._listed(FOLDER, after or None), limit))

    def _listed(self, folder: str, after: str | None) -> Iterator[Sound]:
        with sentences(self.place):
            for batch in obstore.list(self._store, folder, offset=after, chunk_size=_LISTED_AT_ONCE):
                # As in a directory, only what lies in the folder of a device is a sound.
                yield from (self._sound(each) for each in batch if each["path"].count("/") == 2)  # noqa: PLR2004

    def remove(self, names: Sequence[str]) -> int:
        """Remove those of the sounds that are there; return how many bytes they had."""
        ours = [name for name in names if is_sound_name(name)]
        if not ours:
            return 0
        with ThreadPoolExecutor(min(len(ours), _REMOVED_AT_ONCE), "bucket") as threads:
            return sum(threads.map(self._remove, ours))

    def _remove(self, name: str) -> int:
        sound = self.find(name)
        if sound is None:
            return 0
        with sentences(self.place):
            obstore.delete(self._store, name)
        return sound.size

    def set_aside(self, name: str) -> None:
        """Move a sound to `ASIDE`."""
        with sentences(self.place):
            obstore.rename(self._store, name, ASIDE + name.removeprefix(FOLDER))

    def as_file(self, name: str, folder: Path) -> Path:
        """Return a copy of a sound below `folder`."""
        path, sound = folder / name, self.find(name)
        if sound is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with sound.open() as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, _BLOCK_BYTES)
        return path

    def owner(self) -> str:
        """Return whose sounds these are, an empty text where nobody has said so."""
        with suppress(FileNotFoundError), sentences(self.place):
            return first_line_of(bytes(obstore.get(self._store, OWNER).bytes()))
        self._require_bucket(OWNER)
        return ""

    def set_owner(self, owner: str) -> None:
        """Note whose sounds these are."""
        self.write(OWNER, [f"{owner}\n".encode()], len(owner) + 1)

    def check(self) -> str:
        """Return where sounds are kept; raises AudioStoreError where nothing can be read there."""
        self._require_bucket(_NO_SOUND)
        return f"in {self.place}"

    def _require_bucket(self, missing: str) -> None:
        """Raise AudioStoreError unless it is only that one object that is missing: HEAD cannot tell."""
        with suppress(FileNotFoundError), sentences(self.place):
            obstore.get_range(self._store, missing, start=0, length=1)

    def _sound(self, facts: "ObjectMeta") -> Sound:
        name, size = facts["path"], facts["size"]

        def opened() -> BufferedReader:
            return BufferedReader(ObjectReader(self._store, name, size, self.place), _BLOCK_BYTES)

        return Sound(name, size, facts["last_modified"].timestamp(), opened)
