"""Transfer of the spool: files of shards as they go from the spool of one machine to that of another.

A file that arrives may meet an older one of the same recording, of the time before the shard went away: both
count, because chunks say where they belong, and of states that which is further.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_worker.errors import SpoolError
from edge_worker.ingest.chunk_file import FILE_HEADER_BYTES
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.topics import DEVICE_ID

MAX_BYTES: Final = 2**24
"""A larger file stays: what a device still has, it sends again."""
_NAME: Final = re.compile(r"[0-9a-f]{16}(\.chunks|\.stream/([0-9]{6,}\.chunks|state\.json))")


class SpoolTransfer:
    """The files of a spool, whose shards nobody works on meanwhile.

    Every method raises SpoolError where the disk refuses.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def names(self, shards: HeldShards) -> Iterator[tuple[str, str]]:
        """Yield device and name of all files of shards that may go."""
        for path in sorted([*self._directory.glob("*/*.chunks"), *self._directory.glob("*/*.stream/*")]):
            device_id, name = path.relative_to(self._directory).as_posix().split("/", 1)
            is_ours = DEVICE_ID.fullmatch(device_id) is not None and shards.holds(device_id)
            if is_ours and _NAME.fullmatch(name) and path.stat().st_size <= MAX_BYTES:
                yield device_id, name

    def read(self, device_id: str, name: str) -> bytes:
        """Return the content of a file."""
        try:
            return self._path(device_id, name).read_bytes()
        except OSError as error:
            raise _refusal(error) from error

    def remove(self, device_id: str, name: str) -> None:
        """Delete a file, and the folder of its stream with the last one."""
        path = self._path(device_id, name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.suffix == ".stream" and not any(path.parent.iterdir()):
                shutil.rmtree(path.parent)
        except OSError as error:
            raise _refusal(error) from error

    def put(self, device_id: str, name: str, content: bytes) -> None:
        """Write a file that came, beside what is there."""
        path = self._path(device_id, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.suffix == ".json":
                if _position(path.read_bytes()) > _position(content):
                    return
            elif path.exists() and path.parent.suffix == ".stream":
                path = _next(path)
            elif path.exists():
                content += path.read_bytes()[FILE_HEADER_BYTES:]
            draft = path.with_suffix(".part")
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            raise _refusal(error) from error

    def _path(self, device_id: str, name: str) -> Path:
        if not (DEVICE_ID.fullmatch(device_id) and _NAME.fullmatch(name)):
            raise SpoolError(f"no file of the spool: {device_id}/{name}")
        return self._directory / device_id / name


def _next(path: Path) -> Path:
    """Return the name of the next segment of a stream."""
    last = max(int(each.stem) for each in path.parent.glob("*.chunks"))
    return path.with_name(f"{last + 1:06}.chunks")


def _position(state: bytes) -> int:
    """Return how far a state of a stream is; -1 where it is none."""
    try:
        return int(json.loads(state)["position"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return -1


def _refusal(error: OSError) -> SpoolError:
    return SpoolError(f"the spool cannot be moved: {error}")
