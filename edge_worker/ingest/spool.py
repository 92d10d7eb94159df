"""Chunks on disk until their recording is complete.

One file a recording, `spool/<device>/<recording id>.chunks`: 16 bytes of header, then the payloads exactly
as they came. Appending is one write, after which a `kill -9` loses nothing, so that the chunk may be
acknowledged; reading it back needs no index, because chunks say how long they are and where they belong.
"""

import errno
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ChunkError, SpoolError
from edge_worker.ingest.open_files import OpenFiles
from edge_worker.ingest.recording import Recording, RecordingKey, parse_meta
from edge_worker.protocol.chunk import HEADER, HEADER_BYTES, META, Chunk, body_bytes, decode

Int16Array = npt.NDArray[np.int16]

FILE_HEADER: Final = struct.Struct("<8sQ")
FILE_MAGIC: Final = b"STSPOOL1"
"""Then the time of the first chunk: Unix, milliseconds."""
_FILE_NAME: Final = re.compile("[0-9a-f]{16}")


class Spool:
    """The files of all open recordings. Used by one thread, except `read_pcm` and `remove`."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, creating it.

        Raises:
            SpoolError: it cannot be created or written.
        """
        self.directory = directory
        self._files = OpenFiles()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            probe = directory / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise SpoolError(f"the spool {directory} cannot be written: {error.strerror}") from error

    def append(self, recording: Recording, payload: bytes) -> int:
        """Write `payload` at the end of the file of `recording`; return where it begins.

        Raises:
            OSError: nothing was written: no room, no permission.
        """
        descriptor = self._descriptor(recording)
        start = recording.spool_bytes
        write_whole(descriptor, payload, start)
        recording.spool_bytes = start + len(payload)
        return start

    def body(self, recording: Recording, first_sample: int) -> bytes:
        """Return the body of the chunk that was placed at `first_sample`."""
        count, offset = recording.places[first_sample]
        return os.pread(self._descriptor(recording), count * recording.bytes_per_sample, offset)

    def close(self, key: RecordingKey) -> None:
        """Give the descriptor of a recording back; its file stays."""
        self._files.close(key)

    def remove(self, recording: Recording) -> None:
        """Delete the file of a closed recording."""
        self._path(recording.device_id, recording.name).unlink(missing_ok=True)

    def read_pcm(self, recording: Recording, samples: int) -> bytearray:
        """Return the sound of a closed recording, `samples` per channel, gaps as zeros.

        Signed 16-bit little endian, channels interleaved.
        """
        unit = recording.bytes_per_sample
        sound = bytearray(samples * unit)
        content = memoryview(self._path(recording.device_id, recording.name).read_bytes())
        for first_sample, (count, offset) in recording.places.items():
            sound[first_sample * unit : (first_sample + count) * unit] = content[
                offset : offset + count * unit
            ]
        return sound

    def read_recent(self, recording: Recording, start: int, end: int) -> Int16Array | None:
        """Return samples `[start, end)` of an open recording, (samples, channels), what is missing as zeros.

        Safe from any thread; None: the file is gone, for the recording was stored.
        """
        sound = np.zeros((end - start, recording.channels), np.int16)
        places = recording.places.copy()  # in one step, while another thread may add
        try:
            with self._path(recording.device_id, recording.name).open("rb") as file:
                for first, (count, offset) in places.items():
                    low, high = max(first, start), min(first + count, end)
                    if low >= high:
                        continue
                    file.seek(offset + (low - first) * recording.bytes_per_sample)
                    read = np.frombuffer(file.read((high - low) * recording.bytes_per_sample), "<i2")
                    sound[low - start : high - start] = read.reshape(-1, recording.channels)
        except (OSError, ValueError):
            return None
        return sound

    def load(self) -> Iterator[Recording]:
        """Yield every recording that an earlier process left, cutting off a half-written last chunk."""
        for path in sorted(self.directory.glob("*/*.chunks")):
            if not _FILE_NAME.fullmatch(path.stem):
                continue
            recording = _read(path)
            if recording is None:
                path.unlink()
            else:
                yield recording

    def _descriptor(self, recording: Recording) -> int:
        key = recording.key
        if not recording.spool_bytes:
            self.close(key)  # of an attempt that the disk refused: the file begins anew
        descriptor = self._files.get(key)
        if descriptor is not None:
            return descriptor
        path = self._path(recording.device_id, recording.name)
        if not recording.spool_bytes:
            path.parent.mkdir(exist_ok=True)
        descriptor = self._files.open(key, path)
        if not recording.spool_bytes:
            header = FILE_HEADER.pack(FILE_MAGIC, int(recording.received_at * 1000))
            os.ftruncate(descriptor, 0)
            write_whole(descriptor, header, 0)
            recording.spool_bytes = len(header)
        return descriptor

    def _path(self, device_id: str, name: str) -> Path:
        return self.directory / device_id / f"{name}.chunks"


def write_whole(descriptor: int, content: bytes, size: int) -> None:
    """Append all of `content` to a file of `size` bytes, or leave the file as it was."""
    written = 0
    try:
        written = os.write(descriptor, content)
    finally:
        if written < len(content):
            os.ftruncate(descriptor, size)
    if written < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(path: Path) -> Recording | None:
    """Return the recording in `path`, or None when not one chunk of it is whole."""
    content = path.read_bytes()
    if len(content) <= FILE_HEADER.size or not content.startswith(FILE_MAGIC):
        return None
    received_at_ms = FILE_HEADER.unpack_from(content)[1]
    recording = Recording(path.parent.name, int(path.stem, 16), 0, 0, received_at_ms / 1000)
    offset = FILE_HEADER.size
    for chunk in chunks_in(memoryview(content)[offset:]):
        start, offset = offset, offset + HEADER_BYTES + len(chunk.body)
        if chunk.type == META:
            recording.meta = parse_meta(bytes(chunk.body), chunk.recording_id)
        else:
            recording.place(chunk, start + HEADER_BYTES)
        recording.spool_bytes = offset
    if offset < len(content):
        os.truncate(path, offset)
    return recording if recording.spool_bytes else None


def chunks_in(content: memoryview) -> Iterator[Chunk]:
    """Yield the chunks in `content` up to the first that is not whole."""
    while len(content) >= HEADER_BYTES:
        _, kind, _, _, channels, _, _, _, count, _ = HEADER.unpack_from(content)
        size = HEADER_BYTES + body_bytes(kind, channels, count)
        try:
            yield decode(content[:size])
        except ChunkError:
            return
        content = content[size:]
