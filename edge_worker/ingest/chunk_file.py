"""Chunk files of the spool: a header of 16 bytes, then the payloads exactly as they were received.

The header is `STSPOOL1` and the time of the first chunk. Appending is one write, after which a `kill -9`
loses nothing, so that the chunk may be acknowledged. Reading needs no index, because chunks carry their
length and their position in the recording.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.protocol.chunk import HEADER, HEADER_BYTES, Chunk, body_bytes, decode

_HEADER: Final = struct.Struct("<8sQ")
_MAGIC: Final = b"STSPOOL1"
FILE_HEADER_BYTES: Final = _HEADER.size
_LATEST: Final = 4_102_444_800.0
"""The year 2100."""


def file_header(received_at: float) -> bytes:
    """Return the header of a file whose first chunk was received at this Unix time, seconds."""
    return _HEADER.pack(_MAGIC, int(received_at * 1000))


def received_at_of(content: bytes) -> float | None:
    """Return the Unix time of the first chunk, seconds; None: this is no chunk file, or nothing follows.

    The header has no checksum: now is returned for a time that cannot be.
    """
    if len(content) <= FILE_HEADER_BYTES or not content.startswith(_MAGIC):
        return None
    received_at: float = _HEADER.unpack_from(content)[1] / 1000
    return received_at if received_at < _LATEST else time.time()


def append_whole(descriptor: int, content: bytes, size: int) -> None:
    """Append all of `content` to a file of `size` bytes, or leave the file as it was and raise OSError."""
    written = 0
    try:
        written = os.write(descriptor, content)
    finally:
        if written < len(content):
            os.ftruncate(descriptor, size)
    if written < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def chunks_in(content: memoryview) -> Iterator[Chunk]:
    """Yield the chunks in `content`, up to the first that is not whole."""
    while len(content) >= HEADER_BYTES:
        _, kind, _, _, channels, _, _, _, count, _ = HEADER.unpack_from(content)
        size = HEADER_BYTES + body_bytes(kind, channels, count)
        try:
            yield decode(content[:size])
        except ChunkError:
            return
        content = content[size:]
