"""Builds of the firmware that the tests share. A missing tool skips a test, or fails it under CI."""

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
FIRMWARE: Final = PROJECT / "firmware"
_JOBS: Final = "2"
"""Number of compilers at once: small machines run out of memory before they run out of processors."""


def need(*programs: str) -> None:
    """Skip the test, saying how to install it, if one of `programs` is missing; fail it under CI."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        give_up(f"{', '.join(missing)} not found")


def give_up(why: str) -> None:
    """Skip the test because this machine lacks something; fail it under CI, which has everything."""
    text = f"{why}; firmware/install.sh installs what the firmware's tests need"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@functools.cache
def build(preset: str, *targets: str) -> Path:
    """Build `targets` (none: all) of a preset of firmware/CMakePresets.json; return the build folder."""
    need("cmake", "ninja", _compiler(preset))
    run(["cmake", "--preset", preset], FIRMWARE)
    chosen = [word for target in targets for word in ("--target", target)]
    run(["cmake", "--build", "--preset", preset, "--parallel", _JOBS, *chosen], FIRMWARE)
    return FIRMWARE / "build" / preset


def run(command: list[str], directory: Path, timeout_s: float = 600) -> str:
    """Run `command`; return what it printed. Fails the test, with the output, when it fails."""
    done = subprocess.run(
        command,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def _compiler(preset: str) -> str:
    return "g++-12" if preset in {"host", "m32"} else "clang++-22"
