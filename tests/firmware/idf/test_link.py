"""Core, adapters and tasks link for the ESP32-S3, within a budget; only ESP-IDF itself is missing."""

import subprocess
from pathlib import Path

import pytest
import toolchain
from toolchain import FIRMWARE, run

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def tools() -> None:
    toolchain.need("clang++-22", "llvm-mc-22", "llvm-nm-22", "llvm-size-22", "xtensa-lx106-elf-ld")
    toolchain.need("arm-none-eabi-g++")  # whose headers of the C++ library are used


def test_the_board_links_for_the_chip_within_its_budget() -> None:
    rows = [row for row in run(["tests/link.sh"], FIRMWARE).splitlines() if row[:1] == "|"]
    assert len(rows) == 3, "a head, a line, the chip"
    assert rows[2].split("|")[1] in (FIRMWARE / "README.md").read_text(), "firmware/tests/link.sh --write"
    assert "app_main" in (FIRMWARE / "build" / "link" / "board.map").read_text()


def test_what_nobody_defines_is_named(tmp_path: Path) -> None:
    source = tmp_path / "extra.cpp"
    source.write_text(
        'extern "C" int esp_restart_later();\nextern "C" int extra() { return esp_restart_later(); }\n'
    )
    done = subprocess.run(
        ["tests/link.sh", str(source)], cwd=FIRMWARE, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "defined nowhere: esp_restart_later\n"
