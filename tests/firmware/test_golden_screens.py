"""The golden screens are valid PNG files; the committed fonts are those that the generator writes."""

import subprocess
import sys
from pathlib import Path

import pytest
import toolchain
from PIL import Image

FIRMWARE = Path(__file__).parents[2] / "firmware"
GOLDEN = sorted((FIRMWARE / "tests" / "golden").glob("*.png"))


def test_there_is_a_picture_of_every_screen() -> None:
    assert len(GOLDEN) >= 29


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_picture_is_a_png_of_the_display(path: Path) -> None:
    with Image.open(path) as picture:
        picture.verify()  # checksums of its parts
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (3 * 128, 3 * 64)
        dark, lit = (count for count in picture.convert("L").histogram() if count)
        assert 100 < lit < dark


def test_the_fonts_are_those_of_xfonts_base() -> None:
    if not Path("/usr/share/fonts/X11/misc/6x9.pcf.gz").exists():
        toolchain.give_up("xfonts-base is not installed: the fonts are not made again")
    made = subprocess.run(
        [sys.executable, FIRMWARE / "core" / "display" / "font_generator.py"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert made == (FIRMWARE / "core" / "display" / "font.cpp").read_text()
