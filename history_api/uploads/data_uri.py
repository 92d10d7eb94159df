"""Sound as base64 text, as the pages of older systems send it: kept on disk, and decoded block by block.

It is a data URI: the whole body, a value of a form or of a JSON object, or the file of a form. Held as text,
a body of 29 MiB took 140 MiB of memory.
"""

import binascii
import io
import mmap
import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Final, Literal
from urllib.parse import unquote_to_bytes

from edge_worker.protocol import strict_json
from edge_worker.protocol.strict_json import JsonError
from history_api.openapi.problem import ProblemError

Kind = Literal["json", "form", "text"]
START: Final = b"data:"
_KEYS: Final = ("audio", "audio_data", "file", "data")
"""Names of the value, the preferred one first."""
_BLOCK_BYTES: Final = 65_536
_MOST_REST: Final = 65_536
"""Bytes of a JSON object beside the sound."""
_PLACE: Final = "sound"
_QUAD: Final = 4
Span = tuple[int, int]


class SoundInText:
    """The sound in a file of text, as bytes that can be read once. Reading raises ProblemError (400)."""

    def __init__(self, file: IO[bytes], kind: Kind) -> None:
        """Find the sound in `file`, which is closed with this."""
        self._file = file
        span, is_quoted = _span(file, kind)
        undo, mark, most = (_unquoted, b"%", 2) if is_quoted else (_without_slashes, b"\\", 1)
        self._decoded = _decoded(_unescaped(_blocks(file, span), undo, mark, most))

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next bytes, a block of any size, and none at the end."""
        return next((block for block in self._decoded if block), b"")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _span(file: IO[bytes], kind: Kind) -> tuple[Span, bool]:
    """Return where in a file the text of the sound is, and whether it is quoted as a value of a form."""
    size = file.seek(0, io.SEEK_END)
    if not size:
        return (0, 0), False
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        find = {"json": _span_in_object, "form": _span_in_form}.get(kind, _nowhere)
        found = next((span for key in _KEYS if (span := find(content, key))), None)
        if found is not None or kind == "json":
            return found or (0, 0), kind == "form"
        blank = re.match(rb"\s*", content)
        tail = content[-_MOST_REST:]
        return (0 if blank is None else blank.end(), size - len(tail) + len(tail.rstrip())), False


def _nowhere(_content: mmap.mmap, _key: str) -> Span | None:
    return None


def _span_in_object(content: mmap.mmap, key: str) -> Span | None:
    match = re.search(rb'"%b"\s*:\s*"' % key.encode(), content)
    end = -1 if match is None else content.find(b'"', match.end())
    if match is None or end < 0 or match.end() + content.size() - end > _MOST_REST:
        return None
    try:  # the rest decides whether that was a value of the object, or looked like one
        document = strict_json.read(content[: match.end()] + _PLACE.encode() + content[end:])
    except JsonError:
        return None
    is_value = isinstance(document, dict) and document.get(key) == _PLACE
    return (match.end(), end) if is_value else None


def _span_in_form(content: mmap.mmap, key: str) -> Span | None:
    match = re.search(rb"(?:\A|&)%b=([^&]+)" % key.encode(), content)
    return None if match is None else match.span(1)


def _blocks(file: IO[bytes], span: Span) -> Iterator[bytes]:
    position, end = span
    while position < end:
        file.seek(position)
        block = file.read(min(_BLOCK_BYTES, end - position))
        position += len(block)
        yield block


def _unescaped(
    blocks: Iterable[bytes], undo: Callable[[bytes], bytes], mark: bytes, most: int
) -> Iterator[bytes]:
    """Yield text without its escapes; one that begins with `mark` in the last `most` bytes may go on."""
    held = b""
    for block in blocks:
        text = held + block
        cut = text.rfind(mark, max(0, len(text) - most))
        text, held = (text[:cut], text[cut:]) if cut >= 0 else (text, b"")
        yield undo(text)
    yield undo(held)


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _without_slashes(text: bytes) -> bytes:
    return text.replace(b"\\/", b"/")


def _decoded(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what base64 text stands for, without the beginning of a data URI."""
    held, is_first, is_over = b"", True, False
    for part in texts:
        text = part.partition(b",")[2] if is_first and part.startswith(START) else part
        text = held + text.replace(b" ", b"+")  # curl leaves a + as it is
        if text and is_over:
            raise _no_base64()
        whole = len(text) // _QUAD * _QUAD
        held, is_first, is_over = text[whole:], False, text[:whole].endswith(b"=")
        try:
            yield binascii.a2b_base64(text[:whole], strict_mode=True)
        except binascii.Error:
            raise _no_base64() from None
    if held:
        raise _no_base64()


def _no_base64() -> ProblemError:
    return ProblemError(
        400, 'this is no base64; send {"audio": "data:audio/wav;base64,…"} or the data URI as the body'
    )
