"""A worker of several processes, started again when it ends, as systemd would."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from simulator.site.process import Process

_NUMBER: Final = b"--process"


class WorkerGroup:
    """The processes of one `stetho worker`."""

    def __init__(self, start: Callable[[int], Process], processes: int) -> None:
        """`start` starts it with a number of processes."""
        self._start = start
        self.processes = processes
        self.worker = start(processes)
        self.ends = 0
        """How often it ended by itself."""

    def look(self) -> None:
        """Start it again if it ended."""
        if self.worker.has_ended:
            self.ends += 1
            self.worker = self._start(self.processes)

    def change(self, processes: int) -> None:
        """End it in order, and start it with another number of processes."""
        self.worker.stop()
        self.processes = processes
        self.worker = self._start(processes)

    def kill(self) -> None:
        """End all its processes with SIGKILL, and start it again."""
        children = self.children()
        self.worker.kill()
        for pid in children.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.worker = self._start(self.processes)

    def children(self) -> dict[int, int]:
        """Return the process ids of its processes that run, by their numbers."""
        found = {}
        with suppress(OSError):
            path = Path(f"/proc/{self.worker.pid}/task/{self.worker.pid}/children")
            for pid in path.read_text().split():
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if _NUMBER in arguments:
                    found[int(arguments[arguments.index(_NUMBER) + 1])] = int(pid)
        return found
