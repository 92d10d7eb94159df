"""Supervisor of a worker of several processes: starts them, replaces any that ends or hangs, ends them all.

Each is a worker of its own for its part of the devices. One that is replaced finds its spool and what the
broker has queued for it meanwhile; the others do not notice.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final, TextIO

from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import Supervisor
from edge_worker.upkeep.living.liveness import Liveness
from edge_worker.upkeep.living.process_signs import ProcessSigns
from edge_worker.upkeep.living.worker_process import SILENT_S, WorkerProcess

_LOG: Final = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.1
_LONGEST_LOOK_S: Final = 1.0
"""Of a longer one, such as after a night's sleep, only so much counts: the processes slept, too."""
_PAUSE_S: Final = 1.0
"""Between two starts of one process: one that ends at once is not started all the time."""
_REFUSED_PAUSE_S: Final = 5.0
_STOP_WITHIN_S: Final = 8.0
"""Less than whoever stops us waits: Docker 10 s, systemd 90 s."""
_SYSTEMD: Final = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
"""It hears from the supervisor alone, which is to the processes what systemd is to it."""
_REFUSED: Final = 2
"""Exit status of a process that cannot work: its settings are wrong, or broker or database refuse it."""


class ProcessSupervisor:
    """The processes of one worker. They end with it, however it ends."""

    def __init__(self, settings: Settings, locks: Sequence[TextIO]) -> None:
        """Start the processes of these settings; each holds the `locks` of the site, too."""
        self._locks = [lock.fileno() for lock in locks]
        self._signs = ProcessSigns(SILENT_S)
        self._running: dict[int, WorkerProcess] = {}
        self._systemd = Supervisor(os.environ)
        self._liveness = Liveness(settings.data_dir)
        self._starts_at = dict.fromkeys(range(1, settings.processes + 1), float("-inf"))
        self._were_ready = False
        """Whether all of them have been: then what refuses one is no matter of settings."""
        self._looked_at = float("-inf")

    def run(self, stopping: threading.Event) -> int:
        """Return the exit status once `stopping` is set, or the processes are refused."""
        status = 0
        try:
            while not status and not stopping.wait(_LOOK_EVERY_S):
                now = time.monotonic()
                status = self._look(now)
                self._tell_others(now)
        finally:
            self._stop()
            self._signs.close()
        return status

    def _look(self, now: float) -> int:
        """Start what does not run; return the status of a process that is refused, and none works, else 0."""
        self._end_hanging(min(now - self._looked_at, _LONGEST_LOOK_S))
        self._looked_at = now
        self._were_ready |= self._ready == len(self._starts_at)
        for number, starts_at in self._starts_at.items():
            process = self._running.get(number)
            if process is not None and process.status is not None:
                del self._running[number]
                _LOG.error(line("process_ended", process=number, status=process.status))
                if process.status == _REFUSED:
                    if not (self._were_ready and self._running):
                        return _REFUSED  # the next start would end in the same way
                    self._starts_at[number] = now + _REFUSED_PAUSE_S
            elif process is None and now >= starts_at:
                self._starts_at[number] = now + _PAUSE_S
                self._running[number] = self._start(number)
        return 0

    @property
    def _ready(self) -> int:
        return sum(each.is_ready for each in self._running.values())

    def _end_hanging(self, seconds: float) -> None:
        """End those that have not said for too long that they work; so long was the last look."""
        by_pid = {process.pid: process for process in self._running.values()}
        for process in by_pid.values():
            process.wait_on(seconds)
        for pid, lines in self._signs.receive():
            if pid in by_pid:
                by_pid[pid].hear(lines)

    def _tell_others(self, now: float) -> None:
        if self._liveness.is_due(now):
            self._liveness.say(now)
        if self._systemd.is_due(now):
            ready, all_of_them = self._ready, len(self._starts_at)
            status = f"{ready} of {all_of_them} processes run"
            self._systemd.turn(now, is_ready=ready == all_of_them, status=status)

    def _start(self, number: int) -> WorkerProcess:
        command = [sys.executable, "-m", "edge_worker", "run", "--processes", str(len(self._starts_at))]
        inherited = {name: value for name, value in os.environ.items() if name not in _SYSTEMD}
        return WorkerProcess(
            number, [*command, "--process", str(number)], inherited | self._signs.environ, self._locks
        )

    def _stop(self) -> None:
        """End all processes in order; those that do not end in time at once."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for process in self._running.values():
            process.end(max(0.0, deadline - time.monotonic()))


def end_with_supervisor() -> None:
    """Let this process, which a supervisor started, end in order when that does."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not `sys.stdin.read`: its lock aborts a process that ends meanwhile
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor-watch", daemon=True).start()
