"""Fonts that reports use where they are installed: which has a letter, and which package would bring it.

Every PDF reader has Latin-1 itself. The rest are fonts of Debian; the image has DejaVu and Droid.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/usr/share/fonts")
_CJK: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")

_DEJAVU_HAS: Final = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "HEBREW", "ARABIC", "GEORGIAN", "COMBINING")


@dataclass(frozen=True, slots=True)
class Font:
    """A font file, and the Debian package that has it."""

    name: str
    """As reports name it."""
    file: str
    """Below `FOLDER`."""
    package: str
    bold: str | None = None
    number: int = 0
    """In a file of several fonts."""

    @property
    def path(self) -> Path:
        """Where it is when it is installed."""
        return FOLDER / self.file

    @property
    def bold_path(self) -> Path:
        """Where its bold one is; where there is none, it itself."""
        return FOLDER / (self.bold or self.file)

    @property
    def is_installed(self) -> bool:
        """Whether it, and its bold one if there is one, is there."""
        return self.path.is_file() and self.bold_path.is_file()


DEJAVU: Final = Font(
    "wide", "truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core", "truetype/dejavu/DejaVuSans-Bold.ttf"
)
"""Latin, Greek, Cyrillic, Arabic, Hebrew and more."""
CHINESE: Final = (
    Font("droid", "truetype/droid/DroidSansFallbackFull.ttf", "fonts-droid-fallback"),
    Font("noto-cjk", "opentype/noto/NotoSansCJK-Regular.ttc", "fonts-noto-cjk", number=2),
)
"""Chinese, Japanese, Korean. The first is preferred: a twentieth of the size."""


def fonts_of(letter: str) -> tuple[Font, ...]:
    """Return the fonts that may have a letter, the preferred one first."""
    script = unicodedata.name(letter, "").split(" ", 1)[0]
    if script in _CJK:
        return CHINESE
    if script in _DEJAVU_HAS or not script.isalpha():
        return (DEJAVU, *CHINESE)
    file = f"truetype/noto/NotoSans{script.title()}-Regular.ttf"
    return Font(f"noto-{script.lower()}", file, "fonts-noto-core"), DEJAVU


def package_of(letter: str) -> str | None:
    """Return the package to install for a letter that no installed font has; None: none is known."""
    if unicodedata.category(letter) in ("So", "Cn", "Co", "Cs"):
        return None  # pictures, and what is no letter
    return next((font.package for font in fonts_of(letter) if not font.is_installed), None)


def look() -> tuple[str, ...]:
    """Return the fonts that are installed: a report looks different with others."""
    return tuple(font.name for font in (DEJAVU, *CHINESE) if font.is_installed) + _notos()


@cache
def _notos() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in (FOLDER / "truetype/noto").glob("NotoSans*-Regular.ttf")))
