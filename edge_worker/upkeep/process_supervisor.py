"""Supervisor of a worker of several processes: starts them, replaces one that ends, and ends them all.

Each is a worker of its own for its part of the devices. One that is replaced finds its spool and what the
broker has queued for it meanwhile; the others do not notice.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final, TextIO

from edge_worker.telemetry.logfmt import line
from edge_worker.telemetry.supervisor import Supervisor

_LOG: Final = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.1
_PAUSE_S: Final = 1.0
"""Between two starts of one process: one that ends at once is not started all the time."""
_STOP_WITHIN_S: Final = 8.0
"""Less than whoever stops us waits: Docker 10 s, systemd 90 s."""
_SYSTEMD: Final = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
"""It hears from the supervisor alone."""
_REFUSED: Final = 2
"""Exit status of a process whose settings are wrong: the next start would end in the same way."""


class ProcessSupervisor:
    """The processes of one worker. They end with it, however it ends."""

    def __init__(self, processes: int, locks: Sequence[TextIO]) -> None:
        """Start so many `processes`; each holds the `locks` of the site, too."""
        self._locks = [lock.fileno() for lock in locks]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._systemd = Supervisor(os.environ)
        self._started_at = dict.fromkeys(range(1, processes + 1), float("-inf"))

    def run(self, stopping: threading.Event) -> int:
        """Return the exit status once `stopping` is set, or a process refuses its settings."""
        status = 0
        try:
            while not status and not stopping.wait(_LOOK_EVERY_S):
                now = time.monotonic()
                status = self._look(now)
                self._tell_systemd(now)
        finally:
            self._stop()
        return status

    def _look(self, now: float) -> int:
        """Start what does not run; return the status of a process that refuses its settings, else 0."""
        for process, started_at in self._started_at.items():
            child = self._running.get(process)
            if child is not None and child.poll() is not None:
                del self._running[process]
                _LOG.error(line("process_ended", process=process, status=child.returncode))
                if child.returncode == _REFUSED:
                    return _REFUSED
            if process not in self._running and now - started_at >= _PAUSE_S:
                self._started_at[process] = now
                self._running[process] = self._start(process)
        return 0

    def _tell_systemd(self, now: float) -> None:
        if self._systemd.is_due(now):
            running = len(self._running)
            status = f"{running} of {len(self._started_at)} processes run"
            self._systemd.turn(now, is_ready=running == len(self._started_at), status=status)

    def _start(self, process: int) -> "subprocess.Popen[bytes]":
        # It reads the pipe, to whose end nobody writes: that it ends says that we have.
        command = [sys.executable, "-m", "edge_worker", "run", "--processes", str(len(self._started_at))]
        return subprocess.Popen(
            [*command, "--process", str(process)],
            stdin=subprocess.PIPE,
            pass_fds=self._locks,
            env={name: value for name, value in os.environ.items() if name not in _SYSTEMD},
        )

    def _stop(self) -> None:
        """End all processes in order; those that do not end in time at once."""
        for child in self._running.values():
            child.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for child in self._running.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def end_with_supervisor() -> None:
    """Let this process, which a supervisor started, end in order when that does."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not `sys.stdin.read`: its lock aborts a process that ends meanwhile
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor-watch", daemon=True).start()
