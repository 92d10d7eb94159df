"""Text files that people write: UTF-8 with or without a byte order mark, or UTF-16 as Windows writes it."""

import codecs
from pathlib import Path
from typing import Final

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """Return the text of a file without its byte order mark; every end of line is a line feed.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is no text.
    """
    content = path.read_bytes()
    # Notepad and PowerShell mark their files; a mark that is kept becomes part of a password.
    text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_line(path: Path) -> str:
    """Return the first line of a file without surrounding blanks; raises as `read_text` does."""
    return read_text(path).split("\n", 1)[0].strip()
