"""Lines of `key=value` pairs for the log, which no text from outside can break or forge.

What is plain stands bare; anything else, such as a space, a quote or a line break, makes the value a JSON
string in ASCII. Readers of "logfmt" understand both.
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
"""Characters of one value; what follows is cut off: a log must not grow by what somebody sends."""
_FORMAT: Final = "%(asctime)s level=%(levelname)s %(message)s"


class Formatter(logging.Formatter):
    """One line begins a record; what follows, such as a traceback, is indented: it looks like no record."""

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
    """Let every logger of this process write to stdout, from `level` on."""
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
