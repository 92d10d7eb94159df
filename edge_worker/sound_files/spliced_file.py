"""Spliced file: parts of an open file, with bytes in between, read as one file.

A decoder that trusts a wrong header reads the file behind a right one, and nothing is copied.
"""

import io
from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO, NamedTuple


class Span(NamedTuple):
    """Bytes `[start, end)` of the file."""

    start: int
    end: int


class SplicedFile(io.RawIOBase):
    """Read-only file of spans of `file` and of bytes."""

    def __init__(self, file: BinaryIO, parts: list[bytes | Span]) -> None:
        super().__init__()
        self._file = file
        self._parts = [part for part in parts if _length(part)]
        self._ends = list(accumulate(_length(part) for part in self._parts))
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset, as files do."""
        size = self._ends[-1] if self._ends else 0
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the offset."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; return how many bytes there were, fewer only at the end."""
        filled = 0
        while filled < len(buffer) and (content := self._some(len(buffer) - filled)):
            buffer[filled : filled + len(content)] = content
            filled += len(content)
        return filled

    def _some(self, most: int) -> bytes:
        """Read some bytes, not beyond the end of a part; none at the end."""
        number = bisect_right(self._ends, self._position)
        if number == len(self._parts):
            return b""
        part = self._parts[number]
        offset = self._position - (self._ends[number] - _length(part))
        count = min(most, _length(part) - offset)
        if isinstance(part, bytes):
            content = part[offset : offset + count]
        else:
            self._file.seek(part.start + offset)
            content = self._file.read(count)
        self._position += len(content)
        return content


def _length(part: bytes | Span) -> int:
    return len(part) if isinstance(part, bytes) else part.end - part.start
