"""Log lines of `key=value` pairs (logfmt) that no text from outside can break or forge.

A value of plain characters is written bare; with any other, such as a space, a quote or a line break, it is a
JSON string in ASCII. Readers of logfmt understand both.
"""

import json
import logging
import re
import sys
from typing import Final

_BARE: Final = re.compile(r"[!#-&(-<>-\[\]-~]+")
"""Printable ASCII without space, quotes, `=` and backslash."""
_NOT_A_KEY: Final = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST: Final = 1000
"""Characters of one value; the rest is cut off: a client must not decide how fast the log grows."""
_FORMAT: Final = "%(asctime)s level=%(levelname)s %(message)s"


class Formatter(logging.Formatter):
    """Formatter whose records begin with one line; further lines, such as a traceback, are indented."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of `record`."""
        return "\n\t".join(super().format(record).splitlines())


def line(event: str, /, **facts: object) -> str:
    """Return `event=… key=value …` on one line; None is written `-`."""
    pairs = (("event", event), *facts.items())
    return " ".join(f"{_NOT_A_KEY.sub('_', key)}={_value(value)}" for key, value in pairs)


def log_to_stdout(level: str) -> None:
    """Have every logger of this process write to stdout, from `level` on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=level, handlers=[handler])


def _value(value: object) -> str:
    if value is None:
        return "-"
    text = str(value)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    # JSON leaves DEL as it is.
    return text if _BARE.fullmatch(text) else json.dumps(text).replace("\x7f", "\\u007f")
