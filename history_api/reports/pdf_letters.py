"""Letters that a report can show: those of every PDF reader, and of the fonts that are installed."""

import unicodedata
from functools import cache
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

from history_api.reports.fonts import Font, fonts_of, package_of
from history_api.results.translation import Say

_MOST_NAMED: Final = 12


class Letters:
    """Turns text into what a report can show, and remembers what it could not."""

    def __init__(self) -> None:
        self._missing: dict[str, None] = {}

    def shown(self, text: str) -> str:
        """Return `text` in letters that there are; others become `?`, control characters a space."""
        return "".join(self._letter(each) for each in text)

    def _letter(self, letter: str) -> str:
        if is_latin1(letter) or unicodedata.category(letter) in ("Cc", "Zl", "Zp"):
            return letter if letter.isprintable() else " "
        if font_of(letter) is not None:
            return letter
        if unicodedata.category(letter) == "Cf":
            return ""  # joins or directs letters: nothing to see
        self._missing[letter] = None
        return "?"

    def missing(self, say: Say) -> str | None:
        """Return which letters became `?`, and what to install; None: none did."""
        if not self._missing:
            return None
        named = [
            f"{unicodedata.name(each, 'no name').lower()} (U+{ord(each):04X})"
            for each in list(self._missing)[:_MOST_NAMED]
        ]
        listed, more = ", ".join(named), len(self._missing) - len(named)
        if more:
            listed = say("{listed} and {more} more", listed=listed, more=more)
        sentence = say(
            "Shown as ?, because this report has no letters for them: {letters}. The dashboard shows them.",
            letters=listed,
        )
        packages = sorted({package for each in self._missing if (package := package_of(each)) is not None})
        if not packages:
            return sentence
        advice = say(
            "Install {packages} where the API runs to have them printed.", packages=", ".join(packages)
        )
        return f"{sentence} {advice}"


def is_latin1(text: str) -> bool:
    """Return whether the fonts of every PDF reader have all of `text`."""
    return all(ord(letter) < 0x100 for letter in text)  # noqa: PLR2004 - the size of Latin-1


def font_of(letter: str) -> Font | None:
    """Return the installed font that a letter is shown in; None: there is none."""
    return next((font for font in fonts_of(letter) if ord(letter) in _letters_of(font)), None)


def add_font(document: FPDF, font: Font) -> None:
    """Let a document use an installed font; of some there is a bold one."""
    document.add_font(font.name, "", font.path, collection_font_number=font.number)
    if font.bold is not None:
        document.add_font(font.name, "B", font.bold_path)


def _letters_of(font: Font) -> frozenset[int]:
    return _read(font) if font.is_installed else frozenset()


@cache
def _read(font: Font) -> frozenset[int]:
    """Return the letters of a font, in both weights where it has two."""
    document = FPDF()
    add_font(document, font)
    fonts = [each for each in document.fonts.values() if isinstance(each, TTFFont)]
    return frozenset(set.intersection(*(set(each.cmap) for each in fonts)))
