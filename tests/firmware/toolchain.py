"""Builds of the firmware that the tests share. A missing tool skips, loudly; under CI it fails."""

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
"""Compilers at once: memory of small machines, not processors, is what runs out."""


def need(*programs: str) -> None:
    """Skip the test when one of `programs` is not here, and say how to get it; fail it under CI."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        give_up(f"{', '.join(missing)} not found")


def give_up(why: str) -> None:
    """Skip the test because of what this machine lacks; fail it under CI, which lacks nothing."""
    text = f"{why}; firmware/install.sh installs what the firmware's tests need"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@functools.cache
def build(preset: str, *targets: str) -> Path:
    """Build `targets`, none for all, of a preset of firmware/CMakePresets.json; return its folder."""
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
