"""Wall clock of child processes that can be moved while they run; their other clocks stay."""

import struct
import subprocess
import time
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_suffix(".c")


class WallClock:
    """The wall clock of all processes that are started with its variables. It needs a C compiler."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        library, self._offset = directory / "wall_clock.so", directory / "offset"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, _SOURCE], check=True)
        self.move(0)
        self.environ: Final = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(self._offset)}

    def move(self, seconds: float) -> None:
        """Let the clock be ahead of the true time by so many seconds."""
        with self._offset.open("r+b" if self._offset.exists() else "xb") as file:
            file.write(struct.pack("q", round(seconds)))

    def set_to(self, unix_s: float) -> None:
        """Let the clock say this Unix time now, and go on from there."""
        self.move(unix_s - time.time())
