"""Letters that a report can show: those of every PDF reader, and of DejaVu Sans where that is installed."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

FONT: Final = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
"""Latin, Greek, Cyrillic and more; of the Debian package fonts-dejavu-core."""
BOLD_FONT: Final = FONT.with_name("DejaVuSans-Bold.ttf")
_NEEDS_SHAPING: Final = {"R", "AL", "AN"}
"""Directions of letters that run from right to left, which no font shows alone."""
_MOST_NAMED: Final = 12


class Letters:
    """Turns text into what a report can show, and remembers what it could not."""

    def __init__(self) -> None:
        self._missing: dict[str, None] = {}

    def shown(self, text: str) -> str:
        """Return `text` in letters that there are; others become `?`, control characters a space."""
        return "".join(self._letter(each) for each in text)

    def _letter(self, letter: str) -> str:
        if not letter.isprintable():
            return " "
        if is_latin1(letter) or _has(letter):
            return letter
        self._missing[letter] = None
        return "?"

    def missing(self) -> str | None:
        """Return which letters became `?`; None: none did."""
        if not self._missing:
            return None
        named = [
            f"{unicodedata.name(each, 'no name').lower()} (U+{ord(each):04X})"
            for each in list(self._missing)[:_MOST_NAMED]
        ]
        more = len(self._missing) - len(named)
        return (
            f"Shown as ?, because this report has no letters for them: {', '.join(named)}"
            f"{f' and {more} more' if more else ''}. The dashboard shows them."
        )


def is_latin1(text: str) -> bool:
    """Return whether the fonts of every PDF reader have all of `text`."""
    return all(ord(letter) < 0x100 for letter in text)  # noqa: PLR2004 - the size of Latin-1


def _has(letter: str) -> bool:
    return (
        ord(letter) in _installed()
        and unicodedata.bidirectional(letter) not in _NEEDS_SHAPING
        and not unicodedata.category(letter).startswith("M")
    )


@cache
def _installed() -> frozenset[int]:
    """Return the letters of the installed font in both weights; none where it is not installed."""
    if not (FONT.is_file() and BOLD_FONT.is_file()):
        return frozenset()
    document = FPDF()
    document.add_font("wide", "", FONT)
    document.add_font("wide", "B", BOLD_FONT)
    fonts = [font for font in document.fonts.values() if isinstance(font, TTFFont)]
    return frozenset(set.intersection(*(set(font.cmap) for font in fonts)))
