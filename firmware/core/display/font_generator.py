"""Generator of font.cpp from Debian's xfonts-base, whose misc-fixed fonts are in the public domain.

Run: python firmware/core/display/font_generator.py > firmware/core/display/font.cpp
"""

import gzip
import io
import sys
from pathlib import Path
from typing import Final

from PIL import PcfFontFile

DIRECTORY: Final = Path("/usr/share/fonts/X11/misc")
FONTS: Final = {"kSmallFont": "6x9", "kBoldFont": "7x13B", "kLargeFont": "10x20"}
CHARACTERS: Final = range(32, 127)
_PER_LINE: Final = 12


def rows_of(font: PcfFontFile.PcfFontFile, code: int, width: int, height: int) -> list[int]:
    """Return the rows of one glyph, top first, the leftmost pixel in the highest of `width` bits."""
    glyph = font.glyph[code]
    if glyph is None:
        raise SystemExit(f"the font lacks character {code}")
    image = glyph[3]
    if image.size != (width, height):
        raise SystemExit(f"character {code} has {image.size} pixels, not {(width, height)}")
    pixels = image.load()
    return [sum(1 << (width - 1 - x) for x in range(width) if pixels[x, y]) for y in range(height)]


def table(name: str, file: str) -> str:
    """Return the C++ of one font."""
    width, height = (int(number.rstrip("B")) for number in file.split("x"))
    packed = (DIRECTORY / f"{file}.pcf.gz").read_bytes()
    font = PcfFontFile.PcfFontFile(io.BytesIO(gzip.decompress(packed)), "iso8859-1")
    bits = [f"0x{row:03x}" for code in CHARACTERS for row in rows_of(font, code, width, height)]
    lines = (", ".join(bits[at : at + _PER_LINE]) for at in range(0, len(bits), _PER_LINE))
    body = "".join(f"    {line},\n" for line in lines)
    return f"// {file}\nconstexpr std::array<std::uint16_t, {len(bits)}> {name}Bits{{\n{body}}};\n"


def main() -> None:
    """Print font.cpp."""
    tables = "\n".join(table(name, file) for name, file in FONTS.items())
    fonts = "".join(
        f"const Font {name}{{{', '.join(file.rstrip('B').split('x'))}, {name}Bits}};\n"
        for name, file in FONTS.items()
    )
    sys.stdout.write(
        "// Made by font_generator.py from xfonts-base (misc-fixed, public domain); not to be edited.\n"
        "// clang-format off\n"
        '#include "core/display/font.h"\n\n#include <array>\n\nnamespace stetho {\nnamespace {\n\n'
        f"{tables}\n}}  // namespace\n\n{fonts}\n}}  // namespace stetho\n"
    )


if __name__ == "__main__":
    main()
