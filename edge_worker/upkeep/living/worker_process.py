"""One process of a worker, as its supervisor sees it: it runs, it is ready, it hangs, it has ended."""

import logging
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import RUNS

_LOG: Final = logging.getLogger(__name__)
SILENT_S: Final = 60.0
"""One that is ready says at each second that it works; the slowest computer does it more often than this."""
STANDS_STILL_S: Final = 15.0
"""One that does not even say that it runs is stopped or frozen; what it holds waits for it."""
_START_S: Final = 1800.0
"""A start may bring a large database up to date, or repair it."""
_LAST_WORDS_S: Final = 5.0
"""Time to say where it hangs; one that is stopped (SIGSTOP) says nothing."""


class WorkerProcess:
    """A running process; `number` is its number among those of the worker."""

    def __init__(
        self, number: int, command: Sequence[str], environ: Mapping[str, str], locks: Sequence[int]
    ) -> None:
        """Start it; it holds the `locks` (descriptors), too."""
        self.number: Final = number
        # It reads the pipe, to whose end nobody writes: that it ends says that we have.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=locks, env=environ)
        self.is_ready = False
        self._silent_s = 0.0
        self._still_s: float | None = None
        """None: it has not said yet that it runs."""
        self._is_told = False

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status, or the number of the signal that ended it, negative; None while it runs."""
        return self._process.poll()

    def hear(self, lines: Sequence[str]) -> None:
        """Take a message of it."""
        if RUNS in lines:
            self._still_s = 0.0
        self.is_ready |= "READY=1" in lines
        if self.is_ready and "WATCHDOG=1" in lines and not self._is_told:
            self._silent_s = 0.0

    def wait_on(self, seconds: float) -> None:
        """Count so many seconds of silence; end it where it hangs, or stands still."""
        if self._still_s is not None:
            self._still_s += seconds
            if self._still_s > STANDS_STILL_S:
                self._still_s = None
                _LOG.error(line("process_stands_still", process=self.number, seconds=round(STANDS_STILL_S)))
                self._process.kill()
        self._silent_s += seconds
        limit = SILENT_S if self.is_ready else _START_S
        if self._silent_s <= limit:
            return
        if not self._is_told:
            self._is_told = True
            _LOG.error(line("process_hangs", process=self.number, silent_s=round(self._silent_s)))
            self._process.send_signal(signal.SIGABRT)  # it prints where each of its threads is
        elif self._silent_s > limit + _LAST_WORDS_S:
            self._process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def end(self, within_s: float) -> None:
        """Wait until it has ended; end it at once when that takes longer."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
