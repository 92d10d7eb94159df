"""AIFF, AU, CAF, W64, VOC, NIST and FLAC files: what the header says of the length, against what is there.

libsndfile takes the shorter of both without a word, or refuses sound whose size was never filled in.
"""

import os
import re
import struct
from typing import BinaryIO, Final, NamedTuple

from edge_worker.sound_files.sound_file_error import truncated
from edge_worker.sound_files.spliced_file import Span

_PLACEHOLDER: Final = 0x7F000000
"""From here on a size cannot be meant (sox writes it into AIFF)."""
_W64_NAME: Final = 16
"""Bytes of the name of a chunk in W64, a GUID that begins with the letters of RIFF's."""
_W64_HEAD: Final = _W64_NAME + 8
_SAMPLES_OF_FLAC: Final = 21
"""Offset of the byte whose low half, with four more, is the number of samples."""
_MOST_CHUNKS: Final = 1000
_NIST_FIELD: Final = re.compile(rb"(\w+) -i (\d{1,12})")
_MAX_NIST: Final = 65_536
_AU_UNKNOWN: Final = b"\xff\xff\xff\xff"
_UNCOMPRESSED: Final = (b"", b"NONE", b"sowt", b"twos", b"raw ", b"fl32", b"FL32", b"fl64", b"FL64")


class Sized(NamedTuple):
    """A file as a decoder may trust it."""

    parts: list[bytes | Span]
    samples: int | None = None
    """Per channel, as the header says; None: it does not, or it is the decoder that knows."""


def aiff(file: BinaryIO, size: int) -> Sized:
    """Return an AIFF or AIFC file; raises SoundFileError where samples are missing."""
    whole, position, common = Sized([Span(0, size)]), 12, b""
    for _ in range(_MOST_CHUNKS):
        file.seek(min(position, size))
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004 - the head of a chunk
            break
        name, length = struct.unpack(">4sI", head)
        if name == b"COMM":
            common = file.read(min(length, 64))
        elif name == b"SSND" and len(common) >= 18:  # noqa: PLR2004 - the least that a header has
            channels, frames, bits = struct.unpack(">HIH", common[:8])
            present = (size - position - 16) // max(1, channels * ((bits + 7) // 8))
            is_meant = min(frames, length) < _PLACEHOLDER and common[18:22] in _UNCOMPRESSED
            if is_meant and frames > present:
                raise truncated()
            return whole
        position += 8 + length + length % 2
    return whole


def au(file: BinaryIO, size: int) -> Sized:
    """Return an AU file, all of it; raises SoundFileError where samples are missing."""
    file.seek(0)
    head = file.read(24)
    if len(head) < 24:  # noqa: PLR2004 - the least that a header has
        return Sized([Span(0, size)])
    _, start, length, encoding, rate, channels = struct.unpack(">4s5I", head)
    if length < _PLACEHOLDER and start + length > size:
        width = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(encoding, 1)
        raise truncated((size - start) / max(1, rate * channels * width))
    return Sized([head[:8], _AU_UNKNOWN, head[12:], Span(24, size)])


def caf(file: BinaryIO, size: int) -> Sized:
    """Return a CAF file; raises SoundFileError where sound is missing."""
    position = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(min(position, size))
        head = file.read(12)
        if len(head) < 12:  # noqa: PLR2004 - the head of a chunk
            break
        name, length = struct.unpack(">4sq", head)
        start = position + 12
        if name == b"data":
            if length > size - start:
                raise truncated()
            end = start + length if length > 0 and _are_caf_chunks(file, start + length, size) else size
            counted = struct.pack(">q", end - start)
            return Sized([Span(0, start - 8), counted, Span(start, size)])
        position = start + max(0, length)
    return Sized([Span(0, size)])


def _are_caf_chunks(file: BinaryIO, position: int, size: int) -> bool:
    """Return whether nothing but chunks follows: a recorder that was killed had not yet counted all sound."""
    while position + 12 <= size:
        file.seek(position)
        name, length = struct.unpack(">4sq", file.read(12))
        if not name.isascii() or not name.decode().isprintable() or not 0 <= length <= size - position - 12:
            return False
        position += 12 + length
    return True


def voc(file: BinaryIO, size: int) -> Sized:
    """Return a VOC file; raises SoundFileError where a block is cut off."""
    file.seek(20)
    position = int.from_bytes(file.read(2), "little")
    for _ in range(_MOST_CHUNKS):
        file.seek(min(position, size))
        head = file.read(4)
        if len(head) < 4 or head[0] == 0:  # noqa: PLR2004 - the head of a block; 0: the end
            break
        position += 4 + int.from_bytes(head[1:], "little")
        if position > size:
            raise truncated()
    return Sized([Span(0, size)])


def nist(file: BinaryIO, size: int) -> Sized:
    """Return a NIST SPHERE file; raises SoundFileError where samples are missing."""
    file.seek(8)
    start = int(re.sub(rb"\D", b"", file.read(8)) or 0)
    file.seek(0)
    fields = dict(_NIST_FIELD.findall(file.read(min(start, _MAX_NIST))))
    channels, width, count = (
        int(fields.get(name, b"1")) for name in (b"channel_count", b"sample_n_bytes", b"sample_count")
    )
    if start + channels * width * count > size and b"sample_coding" not in fields:
        raise truncated()
    return Sized([Span(0, size)])


def w64(file: BinaryIO, size: int) -> Sized:
    """Return a W64 file; raises SoundFileError where sound is missing."""
    position = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(min(position, size))
        head = file.read(_W64_HEAD)
        if len(head) < _W64_HEAD:
            break
        name, length = struct.unpack("<16sQ", head)
        if name[:4] == b"data":
            if position + length > size and length < _PLACEHOLDER:
                raise truncated()
            is_known = _W64_HEAD < length < _PLACEHOLDER
            counted = struct.pack("<Q", length if is_known else size - position)
            return Sized([Span(0, position + 16), counted, Span(position + _W64_HEAD, size)])
        position += max(_W64_HEAD, length + -length % 8)
    return Sized([Span(0, size)])


def flac(file: BinaryIO, size: int) -> Sized:
    """Return a FLAC file without its number of samples, and that number: so all of it is decoded."""
    file.seek(0)
    head = file.read(_SAMPLES_OF_FLAC + 5)
    if len(head) < _SAMPLES_OF_FLAC + 5 or head[4] & 0x7F:  # the first block is no STREAMINFO
        return Sized([Span(0, size)])
    high, low = struct.unpack(">BI", head[_SAMPLES_OF_FLAC:])
    unknown = head[:_SAMPLES_OF_FLAC] + bytes([high & 0xF0]) + bytes(4)
    return Sized([unknown, Span(len(head), size)], (high & 0x0F) << 32 | low or None)


def size_of(file: BinaryIO) -> int:
    """Return the size of an open file, bytes."""
    return file.seek(0, os.SEEK_END)
