"""Socket of a service manager, for tests: what systemd would be told."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

WATCHDOG_S: Final = 1.2
WITHIN_S: Final = 60.0


class ServiceSocket:
    """The socket of NOTIFY_SOCKET; a context manager."""

    def __init__(self, path: Path) -> None:
        """Bind the socket to a path, which must be short."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def receive(self, within_s: float = WITHIN_S) -> list[str]:
        """Return the lines of the next message, none when there is none in time."""
        self._socket.settimeout(within_s)
        try:
            return self._socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return []

    def wait_for(self, text: str, within_s: float = WITHIN_S) -> None:
        """Return once a message has a line `text`."""
        deadline = time.monotonic() + within_s
        while text not in self.receive():
            assert time.monotonic() < deadline, f"no {text} in time"

    def wait_for_silence(self, has_ended: Callable[[], bool]) -> None:
        """Return once nothing came for as long as a service manager waits, from a process that lives."""
        deadline = time.monotonic() + WITHIN_S
        while self.receive(2 * WATCHDOG_S):
            assert time.monotonic() < deadline, "it goes on"
        assert not has_ended()
