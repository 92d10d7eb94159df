"""The adapters to ESP-IDF compile against our stubs of it, for the host and for the chip."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import toolchain
from toolchain import FIRMWARE

pytestmark = pytest.mark.timeout(600)  # the first one builds
NEWLIB = Path("/usr/lib/arm-none-eabi/include")
"""Headers of a C++ library for a bare 32-bit chip; only types are checked, nothing is linked."""
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def test_adapters_and_tasks_compile_for_the_board_and_for_the_simulation() -> None:
    toolchain.build("host", "adapters", "adapters_sim")


@pytest.mark.parametrize("simulation", [0, 1], ids=["board", "simulation"])
def test_adapters_and_tasks_compile_for_xtensa(simulation: int) -> None:
    toolchain.need("clang++-22")
    libraries = sorted(NEWLIB.glob("c++/*"))
    if not libraries:
        toolchain.give_up("a C++ library for bare chips (libstdc++-arm-none-eabi-newlib) not found")
    includes = (libraries[-1], libraries[-1] / "arm-none-eabi", Path("/usr/include/newlib"))
    command = ["clang++-22", "--target=xtensa", "-std=c++20", "-fsyntax-only", "-fno-exceptions", "-fno-rtti"]
    command += ["-nostdinc++", *(f"-isystem{path}" for path in includes), *WARNINGS]
    command += [f"-DCONFIG_STETHO_SIM={simulation}", "-I.", "-isystemesp_idf_stubs"]
    sources = sorted([*FIRMWARE.glob("esp/*.cpp"), *FIRMWARE.glob("main/*.cpp")])

    def check(source: Path) -> str:
        done = subprocess.run(
            [*command, str(source)], cwd=FIRMWARE, capture_output=True, text=True, timeout=300, check=False
        )
        return "" if done.returncode == 0 else done.stderr

    with ThreadPoolExecutor(2) as pool:
        faults = "".join(pool.map(check, sources))
    assert faults == ""


def test_the_partitions_do_not_overlap_and_fit_the_flash() -> None:
    rows = (FIRMWARE / "idf" / "partitions.csv").read_text().splitlines()
    end = 0x9000
    kinds = []
    for row in rows:
        if row and not row.startswith("#"):
            _name, _type, kind, offset, size = (cell.strip() for cell in row.split(","))
            assert int(offset, 16) >= end
            assert not kind.startswith("ota_") or int(offset, 16) % 0x10000 == 0, (
                "applications start at 64 kB"
            )
            end = int(offset, 16) + int(size, 16)
            kinds.append(kind)
    assert end <= 8 * 1024 * 1024
    assert kinds.count("ota_0") == kinds.count("ota_1") == kinds.count("ota") == 1
