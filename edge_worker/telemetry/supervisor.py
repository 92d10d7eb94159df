"""What systemd is told by a program that it started: that it is ready, how it is, and that it still works.

Each message is a datagram of lines to the socket that NOTIFY_SOCKET names (sd_notify(3)). A program that does
not say in time that it still works is ended with SIGABRT and started again. Elsewhere nothing is told.
"""

import faulthandler
import socket
import threading
import time
from collections.abc import Mapping
from typing import Final

_READY_AFTER_S: Final = 10.0
"""Who waits for so long for something outside, such as the broker, has started all the same."""
_EVERY_S: Final = 1.0
_MESSAGES_PER_INTERVAL: Final = 3
RUNS: Final = "X_STETHO_RUNS=1"
"""Said by a process as long as it gets the processor at all, whatever it waits for."""


class Supervisor:
    """The systemd that started this process, if any. Used by the one thread whose turns count."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take socket and interval from the environment, as systemd sets them."""
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name  # @: the abstract name space
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        self._is_watched = bool(self._address and watchdog_us)
        self._every_s = _EVERY_S
        if self._is_watched:
            self._every_s = min(_EVERY_S, int(watchdog_us) / 1e6 / _MESSAGES_PER_INTERVAL)
            faulthandler.enable()  # SIGABRT then prints where each thread hangs
        self._began_at: float | None = None
        self._is_ready = False
        self._status = ""
        self._due_at = float("-inf")

    def is_due(self, now: float) -> bool:
        """Return whether a turn at `now` (monotonic seconds) has something to tell; cheap."""
        return bool(self._address) and now >= self._due_at

    def turn(self, now: float, *, is_ready: bool, is_working: bool = True, status: str = "") -> None:
        """Tell, at each turn that is due, what holds; `is_working` is whether the watchdog may be content."""
        if self._began_at is None:
            self._began_at = now
        lines = []
        becomes_ready = not self._is_ready and (is_ready or now - self._began_at >= _READY_AFTER_S)
        if becomes_ready:
            lines.append("READY=1")
        if status != self._status:
            lines.append(f"STATUS={' '.join(status.split())}")
        if self._is_watched and is_working:
            lines.append("WATCHDOG=1")
        if not lines or self._send("\n".join(lines)):
            self._is_ready |= becomes_ready
            self._status = status
            self._due_at = now + self._every_s if self._is_ready else now

    def say_that_we_run(self) -> None:
        """Say each second that this process runs, on a thread of its own."""

        def say() -> None:
            while True:
                self._send(RUNS)
                time.sleep(_EVERY_S)

        threading.Thread(target=say, name="supervisor-signs", daemon=True).start()

    def _send(self, message: str) -> bool:
        """Return whether the message left; one that did not is told at the next turn."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.setblocking(False)
                connection.sendto(message.encode(), self._address)
        except OSError:
            return False
        return True
