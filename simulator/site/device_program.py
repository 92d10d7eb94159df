"""Program that is a device, as a child process: its display is redrawn here, its result is returned."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from simulator.device.display import Display
from simulator.site.process import PACKAGES

_FIRST: Final = "┌"
_LAST: Final = "└"
"""How the first and the last line of a screen begin."""


def run(command: Sequence[str | Path], environ: Mapping[str, str], display: Display) -> tuple[int, str]:
    """Run a command that prints screens, and messages, on stderr; return its exit status and its stdout."""
    with subprocess.Popen(
        command,
        cwd=PACKAGES,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            _show(process.stderr or (), display)
            printed = process.stdout.read() if process.stdout else ""  # a short one, which waits in the pipe
        except BaseException:
            process.kill()
            raise
        finally:
            display.leave()
    return process.returncode, printed


def _show(lines: Iterable[str], display: Display) -> None:
    screen: list[str] = []
    for line in map(str.rstrip, lines):
        if screen or line.startswith(_FIRST):
            screen.append(line)
            if line.startswith(_LAST):
                display.draw("\n".join(screen))
                screen = []
        elif line:
            display.say(line)
