"""Turns of a thread: the signs that it still works, also while it waits for work, disk or database."""

import time
from typing import Final

MISSED_AFTER_S: Final = 600.0
"""Ten times what the longest recording takes on a small computer that does other things, too."""


class Turns:
    """Turns that a thread takes, and another watches."""

    def __init__(self, thread: str) -> None:
        """Of the `thread` of that name, which has not begun."""
        self.thread: Final = thread
        self._taken_at = float("inf")

    def take(self) -> None:
        """Say that the thread works."""
        self._taken_at = time.monotonic()

    def pause(self) -> None:
        """Say that what it does next may take any time."""
        self._taken_at = float("inf")

    def are_missed(self, now: float) -> bool:
        """Return whether the thread hangs, at a monotonic time."""
        return now - self._taken_at > MISSED_AFTER_S
