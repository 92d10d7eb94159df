"""Display of a device: one screen that a terminal redraws in place, elsewhere one screen after the other."""

import os
import sys
from typing import TextIO

from simulator.device import oled


class Display:
    """Where a device shows its screens; on stderr, because results are on stdout."""

    def __init__(self, out: TextIO | None = None, *, only_last: bool = False) -> None:
        """`only_last`: where nothing can be redrawn, show the last screen alone, at the end."""
        self._out = out or sys.stderr
        self._redraws = self._out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._only_last = only_last
        self._drawn = ""
        self._lines = 0
        """Lines above the cursor that the next screen replaces."""

    def show(self, screen: oled.Screen) -> None:
        """Show a screen in its frame; one that is there already changes nothing."""
        self.draw(oled.framed(screen))

    def draw(self, framed: str) -> None:
        """Show a screen that has its frame."""
        if framed == self._drawn:
            return
        self._drawn = framed
        if self._redraws:
            up = f"\r\x1b[{self._lines}A\x1b[J" if self._lines else ""
            self._lines = framed.count("\n") + 1
            self._write(f"{up}{framed}\n")
        elif not self._only_last:
            self._write(f"{framed}\n")

    def say(self, text: str) -> None:
        """Print a line below the screen, which stays."""
        self.leave()
        self._write(f"{text}\n")

    def leave(self) -> None:
        """Leave the screen as it is: what is printed now stands below it."""
        if self._drawn and self._only_last and not self._redraws:
            self._write(f"{self._drawn}\n")
        self._drawn, self._lines = "", 0

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
