"""Ogg files by their pages: libsndfile passes over damaged pages and further recordings without a word."""

import struct
from typing import BinaryIO, Final, NamedTuple

from edge_worker.sound_files.sound_file_error import several, too_long, truncated
from edge_worker.sound_files.spliced_file import Span

_HEAD: Final = struct.Struct("<4sBBqIIIB")
_PATTERN: Final = b"OggS"
_FLAGS_AT: Final = 5
_CHECKSUM: Final = slice(22, 26)
_BEGINS, _ENDS = 2, 4
"""Flags of the first and the last page of a stream."""
_HEAD_PAGES, _PAGES_PER_S = 1000, 200
"""Pages before the sound, and of it, at most: a packet of 5 ms each."""
_SEARCHED: Final = 65_536
"""Bytes behind the last page in which another is searched."""
_POLYNOMIAL: Final = 0x04C11DB7


class _Page(NamedTuple):
    """Header of a page."""

    begins: bool
    """Whether it is the first of a stream."""
    end: int
    """Offset of the next page."""


def parse(file: BinaryIO, size: int, max_s: float) -> list[bytes | Span]:
    """Return the parts of a file of one recording, whose last page says that it is the last.

    What is missing in the middle shows when it is decoded: libsndfile then returns less than it announced.

    Raises:
        SoundFileError: the last page is damaged or cut off, there are several recordings, or more pages than
            `max_s` seconds need.
    """
    position, last, is_begun, pages = 0, 0, False, 0
    while (page := _page(file, position)) is not None:
        pages += 1
        if pages > _HEAD_PAGES + max_s * _PAGES_PER_S:
            raise too_long(max_s)
        if page.end > size:
            raise truncated()
        if page.begins and is_begun:
            raise several()
        is_begun = is_begun or not page.begins
        last, position = position, page.end
    file.seek(last)
    end = bytearray(file.read(position - last))
    if _checksum(end) != end[_CHECKSUM]:
        raise truncated()
    rest = file.read(_SEARCHED)  # a tag, say
    if _PATTERN in rest or (rest and rest.startswith(_PATTERN[: len(rest)])):
        raise truncated()
    end[_FLAGS_AT] |= _ENDS
    end[_CHECKSUM] = _checksum(end)
    return [Span(0, last), bytes(end)]


def _page(file: BinaryIO, position: int) -> _Page | None:
    file.seek(position)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or head[:4] != _PATTERN:
        return None
    _, _, flags, _, _, _, _, segments = _HEAD.unpack(head)
    size = _HEAD.size + segments + sum(file.read(segments))
    return _Page(bool(flags & _BEGINS), position + size)


def _checksum(page: bytearray) -> bytes:
    checksum = 0
    for byte in page[: _CHECKSUM.start] + bytes(4) + page[_CHECKSUM.stop :]:
        checksum = (checksum << 8 & 0xFFFFFFFF) ^ _TABLE[checksum >> 24 ^ byte]
    return checksum.to_bytes(4, "little")


def _row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
    return value & 0xFFFFFFFF


_TABLE: Final = tuple(_row(byte) for byte in range(256))
