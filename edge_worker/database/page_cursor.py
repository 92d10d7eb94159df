"""Cursors of pages: opaque texts that name the row after which the next page of results begins."""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final, Literal, Self

from edge_worker.errors import StethoError

Sort = Literal["-stored", "captured_at", "-captured_at"]
"""Order of results; `-` is newest first."""
_LAYOUT: Final = struct.Struct(">Bq")
_SORT_CODES: Final[dict[Sort, int]] = {"-stored": 1, "captured_at": 3, "-captured_at": 4}
"""First byte of a cursor: the order that it is valid for."""


class CursorError(StethoError):
    """A cursor was not made by this version of the history, or for another order."""


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The row after which a page begins."""

    sort: Sort
    id: int
    captured_at: str = ""
    """Empty in the order `-stored`."""

    @classmethod
    def decode(cls, text: str, sort: Sort) -> Self:
        """Return the cursor that `encode` made; raise CursorError when it is not one of `sort`."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            code, last_id = _LAYOUT.unpack(raw[: _LAYOUT.size])
            captured_at = raw[_LAYOUT.size :].decode("ascii")
        except (ValueError, binascii.Error, struct.error):
            code, last_id, captured_at = 0, 0, ""
        is_by_time = code != _SORT_CODES["-stored"]
        if code not in _SORT_CODES.values() or last_id < 1 or bool(captured_at) != is_by_time:
            raise CursorError("the cursor is not one that this history gave; start again without it")
        if code != _SORT_CODES[sort]:
            raise CursorError(f"the cursor is of another sort than {sort}; start again without it")
        return cls(sort, int(last_id), captured_at)

    def encode(self) -> str:
        """Return the text that `decode` reads; it is safe in a URL."""
        captured_at = b"" if self.sort == "-stored" else self.captured_at.encode()
        return base64.urlsafe_b64encode(_LAYOUT.pack(_SORT_CODES[self.sort], self.id) + captured_at).decode()
