"""Spool of recordings: the chunk file of each open recording, `spool/<device>/<recording id>.chunks`."""

import errno
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ChunkError, SpoolError, SpoolFileError
from edge_worker.ingest.chunk_file import (
    FILE_HEADER_BYTES,
    append_whole,
    chunks_in,
    file_header,
    received_at_of,
)
from edge_worker.ingest.descriptor_cache import DescriptorCache
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.ingest.recording import Recording, RecordingKey
from edge_worker.ingest.spare_files import SpareFiles
from edge_worker.protocol.chunk import HEADER_BYTES, META, Chunk
from edge_worker.protocol.meta import parse_stored_meta
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.protocol.topics import DEVICE_ID

Int16Array = npt.NDArray[np.int16]

_FILE_NAME: Final = re.compile("[0-9a-f]{16}")
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)
"""Errors of a file that no later try will read: deleted by hand, or on a bad block."""
_BLOCK_BYTES: Final = 2**16


class Spool:
    """Chunk files of all open recordings. Used by one thread, except the `read_…` methods and `remove`."""

    def __init__(self, directory: Path, shards: HeldShards = ALL_SHARDS) -> None:
        """Use `directory`, creating it; of what other processes hold there nothing is loaded.

        Raises:
            SpoolError: it cannot be created or written.
        """
        self.directory = directory
        self.shards = shards
        self.quarantine = Quarantine(directory.parent / "quarantine")
        """For all that arrives and cannot be processed."""
        self._descriptors = DescriptorCache()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            probe = directory / ".probe"
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)  # another process may try, too
        except OSError as error:
            raise SpoolError(f"the spool {directory} cannot be written: {error.strerror}") from error
        self._spare = SpareFiles(directory)

    def append(self, recording: Recording, payload: bytes) -> int:
        """Append `payload` to the file of `recording`; return its offset.

        Raises:
            SpoolFileError: the file is gone.
            OSError: nothing was written: no space, no permission.
        """
        descriptor = self._descriptor(recording)
        size = recording.spool_bytes
        content = payload if size else file_header(recording.received_at) + payload
        append_whole(descriptor, content, size)
        recording.spool_bytes = size + len(content)
        return recording.spool_bytes - len(payload)

    def bodies(self, recording: Recording, first_samples: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the bodies of received chunks with their first samples, in the order of the file.

        Chunks that lie close together are read at once: of small ones there are many.

        Raises:
            SpoolFileError: the file is gone, or shorter than it was.
        """
        unit, descriptor = recording.bytes_per_sample, self._descriptor(recording)
        places = sorted((recording.chunks[first][1], first) for first in first_samples)
        block, block_start = b"", 0
        for offset, first in places:
            size = recording.chunks[first][0] * unit
            if offset + size > block_start + len(block):
                block, block_start = os.pread(descriptor, max(size, _BLOCK_BYTES), offset), offset
                if len(block) < size:
                    raise SpoolFileError(f"{self._path(recording.device_id, recording.name)} was cut off")
            start = offset - block_start
            yield first, block[start : start + size]

    def close(self, key: RecordingKey) -> None:
        """Close the descriptor of a recording; its file stays."""
        self._descriptors.close(key)

    def remove(self, recording: Recording) -> None:
        """Remove the file of a closed recording; another one gets it, empty."""
        self._spare.keep(self._path(recording.device_id, recording.name))

    def read_pcm(self, recording: Recording, samples: int) -> bytearray:
        """Return the first `samples` per channel of a closed recording, gaps as zeros.

        Signed 16-bit little endian, channels interleaved.

        Raises:
            SpoolFileError: the file is gone, or not all that was received is whole in it.
            OSError: it cannot be read now.
        """
        path, unit = self._path(recording.device_id, recording.name), recording.bytes_per_sample
        try:
            content = memoryview(path.read_bytes())
        except OSError as error:
            if error.errno in _GONE:
                raise SpoolFileError(f"{path} cannot be read: {error.strerror}") from error
            raise
        pcm = bytearray(samples * unit)
        offset = FILE_HEADER_BYTES
        for chunk in chunks_in(content[offset:]):
            if chunk.recording_id != recording.recording_id:
                break
            first, end = chunk.first_sample, min(chunk.end, samples)
            if chunk.type != META and first < end:  # else it lies behind the end of a recording that was cut
                pcm[first * unit : end * unit] = chunk.body[: (end - first) * unit]
            offset += HEADER_BYTES + len(chunk.body)
        if offset < recording.spool_bytes or len(pcm) != samples * unit:
            raise SpoolFileError(f"{path} is damaged after {offset} of {recording.spool_bytes} bytes")
        return pcm

    def read_recent(self, recording: Recording, start: int, end: int) -> Int16Array | None:
        """Return samples `[start, end)` of an open recording, shape (samples, channels), gaps as zeros.

        Safe from any thread. None: the file is gone, because the recording was stored.
        """
        pcm = np.zeros((end - start, recording.channels), "<i2")
        path = self._path(recording.device_id, recording.name)
        firsts = recording.first_samples  # another thread may add to it, and then to the index
        firsts = firsts[bisect_left(firsts, start - recording.longest_chunk) :]
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                for first in firsts:
                    count, offset = recording.chunks.get(first, (0, 0))
                    low, high = max(first, start), min(first + count, end)
                    part = pcm[low - start : max(low, high) - start]
                    place = offset + (low - first) * recording.bytes_per_sample
                    if len(part) and os.preadv(file, [part.data], place) < part.nbytes:
                        return None
            finally:
                os.close(file)
            path.stat()  # else it was stored meanwhile, and another recording may have its file
        except OSError:
            return None
        return pcm

    def load(self, shards: HeldShards = ALL_SHARDS) -> Iterator[Recording]:
        """Yield the recordings of these shards of an earlier process.

        A last chunk that is not whole is cut off. A file that cannot be read or understood is set aside.
        """
        for path in sorted(self.directory.glob("*/*.chunks")):
            device_id = path.parent.name
            is_ours = DEVICE_ID.fullmatch(device_id) is not None and shards.holds(device_id)
            if not (is_ours and _FILE_NAME.fullmatch(path.stem)):
                continue
            recording = self._loaded(path)
            if recording is not None:
                yield recording

    def reload(self, recording: Recording) -> Recording | None:
        """Return what is whole of a recording whose file is damaged; None: nothing is."""
        self.close(recording.key)
        path = self._path(recording.device_id, recording.name)
        return self._loaded(path) if path.exists() else None

    def set_aside(self, recording: Recording, reason: Exception) -> None:
        """Move the file of a recording that cannot be stored out of the spool, for an operator to look at."""
        self._set_aside(self._path(recording.device_id, recording.name), reason)

    def _loaded(self, path: Path) -> Recording | None:
        """Return the recording in a file; a file that cannot be read, or holds none, leaves the spool."""
        try:
            recording = _load(path)
            if recording is None:
                path.unlink()
        except Exception as error:
            self._set_aside(path, error)
            return None
        return recording

    def _set_aside(self, path: Path, reason: Exception) -> None:
        self.quarantine.take(path, reason)

    def _descriptor(self, recording: Recording) -> int:
        key = recording.key
        if not recording.spool_bytes:
            self.close(key)  # of an attempt that the disk refused: the file begins anew
        descriptor = self._descriptors.get(key)
        if descriptor is not None:
            return descriptor
        path = self._path(recording.device_id, recording.name)
        return self._reopened(key, path) if recording.spool_bytes else self._created(key, path)

    def _reopened(self, key: RecordingKey, path: Path) -> int:
        try:
            return self._descriptors.open(key, path, is_new=False)
        except OSError as error:
            if error.errno in _GONE:
                raise SpoolFileError(f"{path} cannot be opened again: {error.strerror}") from error
            raise

    def _created(self, key: RecordingKey, path: Path) -> int:
        self._spare.put_at(path)
        try:
            return self._open_new(key, path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            # Something else lies where our directory or our file belongs.
            self._set_aside(path if path.is_dir() else path.parent, error)
            return self._open_new(key, path)

    def _open_new(self, key: RecordingKey, path: Path) -> int:
        try:
            return self._descriptors.open(key, path)
        except FileNotFoundError:  # the first recording of its device
            path.parent.mkdir(parents=True, exist_ok=True)
            return self._descriptors.open(key, path)

    def _path(self, device_id: str, name: str) -> Path:
        return self.directory / device_id / f"{name}.chunks"


def _load(path: Path) -> Recording | None:
    """Return the recording in a chunk file, or None when not one chunk of it is whole."""
    content = path.read_bytes()
    received_at = received_at_of(content)
    if received_at is None:
        return None
    recording = Recording(path.parent.name, int(path.stem, 16), 0, 0, received_at)
    end = FILE_HEADER_BYTES
    for chunk in chunks_in(memoryview(content)[end:]):
        if not _belongs(chunk, recording):
            break
        start, end = end, end + HEADER_BYTES + len(chunk.body)
        if chunk.type == META:
            recording.meta = parse_stored_meta(bytes(chunk.body), chunk.recording_id)
        else:
            recording.add(chunk, start + HEADER_BYTES)
        recording.spool_bytes = end
    if end < len(content):
        os.truncate(path, end)
    return recording if recording.spool_bytes else None


def _belongs(chunk: Chunk, recording: Recording) -> bool:
    """Return whether a chunk of a file is one of its recording, and agrees with those before it."""
    if chunk.recording_id != recording.recording_id:
        return False
    try:
        if chunk.type != META:
            recording.check(chunk)
    except ChunkError:
        return False
    return True
