"""The adapters to ESP-IDF compile against our stubs of each version of it, for the host and for the chips."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import esp_idf
import pytest
import toolchain
from toolchain import FIRMWARE

pytestmark = pytest.mark.timeout(600)
NEWLIB: Final = Path("/usr/lib/arm-none-eabi/include")
"""Headers of a C++ library for a bare 32-bit chip; only types are checked, nothing is linked."""
CHECKED: Final = ("-std=gnu++20", "-fno-exceptions", "-fno-rtti", "-I.")
WARNINGS: Final = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def host() -> list[str]:
    """Return the compiler of the host."""
    toolchain.need("g++-12")
    return ["g++-12"]


def xtensa() -> list[str]:
    """Return a compiler for the chip's instructions; it has a C++ library of another bare chip."""
    toolchain.need("clang++-22")
    libraries = sorted(NEWLIB.glob("c++/*"))
    if not libraries:
        toolchain.give_up("a C++ library for bare chips (libstdc++-arm-none-eabi-newlib) not found")
    includes = (libraries[-1], libraries[-1] / "arm-none-eabi", Path("/usr/include/newlib"))
    return ["clang++-22", "--target=xtensa", "-nostdinc++", *(f"-isystem{path}" for path in includes)]


def riscv() -> list[str]:
    """Return a compiler whose `std::uint32_t` is `unsigned long`, as with the chip's own: formats show it."""
    toolchain.need("riscv64-unknown-elf-g++")
    libraries = sorted(NEWLIB.glob("c++/*"))
    if not libraries:
        toolchain.give_up("a C++ library for bare chips (libstdc++-arm-none-eabi-newlib) not found")
    includes = (libraries[-1], libraries[-1] / "arm-none-eabi")
    chip = ["-march=rv32imc", "-mabi=ilp32", "-specs=picolibc.specs", "-nostdinc++"]
    return ["riscv64-unknown-elf-g++", *chip, *(f"-isystem{path}" for path in includes)]


PASSED: Final[set[tuple[str, str]]] = set()
"""What a compiler has accepted, headers and all: most sources are the same for each version and build."""
COMPILERS: Final = {"host": host, "xtensa": xtensa, "riscv": riscv}
BUILDS: Final = [
    *((chip, version) for chip in ("host", "xtensa") for version in esp_idf.VERSIONS),
    ("riscv", "6.0"),
]


@pytest.mark.parametrize("simulation", [0, 1], ids=["board", "simulation"])
@pytest.mark.parametrize(("compiler", "version"), BUILDS)
def test_adapters_and_tasks_compile(compiler: str, version: str, simulation: int) -> None:
    command = [*COMPILERS[compiler](), *CHECKED, *WARNINGS, f"-DCONFIG_STETHO_SIM={simulation}"]
    command += [f"-isystem{folder}" for folder in esp_idf.VERSIONS[version]]

    def compile_with(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *options], cwd=FIRMWARE, capture_output=True, text=True, timeout=300, check=False
        )

    def check(source: Path) -> str:
        read = compile_with("-E", "-P", str(source))
        if read.returncode == 0 and (compiler, read.stdout) in PASSED:
            return ""
        done = compile_with("-fsyntax-only", str(source))
        if done.returncode == 0:
            PASSED.add((compiler, read.stdout))
            return ""
        return done.stderr

    with ThreadPoolExecutor(2) as pool:
        faults = "".join(pool.map(check, esp_idf.sources(bool(simulation))))
    assert faults == ""


@pytest.mark.parametrize(("version", "has_option"), [("5.3", False), ("5.5", True), ("6.0", True)])
def test_dhcp_tells_phones_where_the_form_is_where_it_can(version: str, has_option: bool) -> None:
    command = [*host(), "-std=gnu++20", "-E", "-P", "-I.", "-DCONFIG_STETHO_SIM=0", "esp/wifi.cpp"]
    command += [f"-isystem{folder}" for folder in esp_idf.VERSIONS[version]]
    source = toolchain.run(command, FIRMWARE)
    assert ("ESP_NETIF_OP_SET, ESP_NETIF_CAPTIVEPORTAL_URI," in source) == has_option


def test_every_adapter_is_part_of_a_build() -> None:
    built = {*esp_idf.sources(True), *esp_idf.sources(False)}
    assert {*FIRMWARE.glob("esp/*.cpp"), *FIRMWARE.glob("main/*.cpp")} == built


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
