"""What every store of sounds can do, whatever is behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edge_worker.audio_store.sound import FOLDER, Sound
from edge_worker.errors import AudioError


class AudioStore(Protocol):
    """Store of the WAV files of recordings. Safe from any thread.

    Names are those of the database. A store that refuses raises StoreError or OSError: try again later.
    """

    is_remote: bool
    """Whether it is reached over a network, which may hang, and takes no room of the data directory."""

    place: str
    """Where sounds are kept, for sentences."""

    def write(self, name: str, parts: Iterable[bytes | bytearray], size: int) -> None:
        """Store a sound of `size` bytes that comes in parts: whole and durable when this returns.

        Written again, it is replaced; what fails halfway leaves nothing under its name.
        """

    def write_all(self, sounds: Mapping[str, Sequence[bytes | bytearray]]) -> None:
        """Store sounds, each by its name in parts, as `write` does; those of one call share what they can."""

    def find(self, name: str) -> Sound | None:
        """Return a sound, None where there is none; raises AudioError for what is no name of a sound."""

    def sounds(self, folder: str = FOLDER) -> Iterator[Sound]:
        """Yield all sounds below a folder, in no order."""

    def part(self, after: str, limit: int) -> list[Sound]:
        """Return up to `limit` sounds of `FOLDER` whose names follow `after`, in the order of names."""

    def remove(self, names: Sequence[str]) -> int:
        """Remove those of the sounds that are there; return how many bytes they had."""

    def set_aside(self, name: str) -> None:
        """Move a sound from `FOLDER` to `ASIDE`."""

    def as_file(self, name: str, folder: Path) -> Path:
        """Return a sound as a file, for programs that need one; a copy, if it has to be, below `folder`.

        Where there is no such sound, there is no such file.
        """

    def owner(self) -> str:
        """Return whose sounds these are, what `set_owner` was called with; an empty text: nobody's yet."""

    def set_owner(self, owner: str) -> None:
        """Note whose sounds these are, durably."""

    def check(self) -> str:
        """Return in a sentence where sounds are kept; raises StoreError where that cannot be used."""


def require(store: AudioStore, name: str) -> Sound:
    """Return a sound; raises AudioError where there is none."""
    sound = store.find(name)
    if sound is None:
        raise AudioError(f"{name} is gone")
    return sound
