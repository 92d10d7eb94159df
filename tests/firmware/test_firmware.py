"""The firmware's own tests: under sanitizers, in 32 bits, on emulated chips, fuzzed, within a size budget."""

import re
from pathlib import Path

import pytest
import toolchain
from toolchain import FIRMWARE, run

from edge_worker import __version__

FUZZ_S = 1
"""Time to fuzz each reader: here only that all are fuzzed; `make fuzz` searches."""
BUILD_WITHIN_S = 900


def ctest(preset: str) -> None:
    """Run the tests of a preset, one test file after another."""
    run(["ctest", "--preset", preset, "--no-tests=error", "--parallel", "2"], FIRMWARE)


def test_every_build_takes_the_version_of_the_project(tmp_path: Path) -> None:
    toolchain.need("cmake")
    script = tmp_path / "version.cmake"
    script.write_text(f'include("{FIRMWARE}/version.cmake")\nmessage("it is ${{STETHO_VERSION}}")\n')
    assert run(["cmake", "-P", str(script)], tmp_path).strip() == f"it is {__version__}"
    for build in ("posix", "idf"):
        text = (FIRMWARE / build / "CMakeLists.txt").read_text()
        assert "include(${CMAKE_CURRENT_LIST_DIR}/../version.cmake)" in text


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_core_under_address_and_undefined_behaviour_sanitizers() -> None:
    toolchain.build("sanitize", "stetho_tests")
    ctest("sanitize")


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_what_two_threads_share_under_the_thread_sanitizer() -> None:
    folder = toolchain.build("thread", "stetho_thread_tests")
    assert "0 failed" in run([str(folder / "tests" / "stetho_thread_tests")], folder)


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_adapters_with_fakes_of_the_framework_under_the_thread_sanitizer() -> None:
    folder = toolchain.build("thread", "stetho_adapter_tests")
    assert "0 failed" in run([str(folder / "tests" / "stetho_adapter_tests")], folder)


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_core_with_pointers_of_32_bits() -> None:
    toolchain.build("m32", "stetho_tests")
    ctest("m32")


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_core_on_emulated_chips() -> None:
    toolchain.need("riscv64-unknown-elf-g++", "qemu-system-riscv32", "arm-none-eabi-g++", "qemu-system-arm")
    run(["tests/emulate.sh"], FIRMWARE, BUILD_WITHIN_S)


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_readers_survive_what_nobody_expects() -> None:
    toolchain.need("cmake", "ninja", "clang++-22")
    said = run(["tests/fuzz.sh", str(FUZZ_S)], FIRMWARE, BUILD_WITHIN_S)
    assert len(re.findall(r"^\w+_fuzz: [1-9]\d* inputs", said, re.MULTILINE)) == len(
        list(FIRMWARE.glob("tests/fuzz/*_fuzz.cpp"))
    )


@pytest.mark.timeout(BUILD_WITHIN_S)
def test_core_compiles_for_the_chips_within_its_budget_and_its_stacks() -> None:
    toolchain.need("clang++-22", "llvm-size-22", "riscv64-unknown-elf-g++", "arm-none-eabi-g++")
    rows = [row for row in run(["tests/cross.sh"], FIRMWARE, BUILD_WITHIN_S).splitlines() if row[:1] == "|"]
    sizes = rows.index("|---|--:|--:|--:|---|") - 1
    assert sizes == 4, "a head, a line, two chips"
    page = (FIRMWARE / "README.md").read_text()
    for row in rows:
        assert row.split("|")[1] in page, "firmware/tests/cross.sh --write"
