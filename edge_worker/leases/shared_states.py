"""States of open streams for all machines: a machine that is gone takes its spool along, but not these.

With the last state, and the seconds of sound that a device keeps, the next holder goes on without a gap.
"""

import threading
from typing import Final

EVERY_S: Final = 3.0
"""Of sound. A device keeps ten seconds, and others notice within six that a machine is gone."""


class SharedStates:
    """The newest states. Put by the live analysis, taken by the thread of the leases."""

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether there is another machine."""
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], str] = {}

    def every_s(self, alone_s: float) -> float:
        """Return how often a state is due, in seconds of sound; without others every `alone_s`."""
        return EVERY_S if self.is_wanted else alone_s

    def put(self, device_id: str, stream: str, state: str) -> None:
        """Note the state of a stream, JSON."""
        if self.is_wanted:
            with self._lock:
                self._states[device_id, stream] = state

    def take(self) -> dict[tuple[str, str], str]:
        """Return what was noted since the last call, by device and stream."""
        with self._lock:
            taken, self._states = self._states, {}
        return taken
