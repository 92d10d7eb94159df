"""Processes that stand still: those whose sign of life in the database stays the same while we look.

A process that is stopped, or frozen with its container, keeps its connections, because the kernel does:
neither the database nor the broker takes it for gone.
"""

from collections.abc import Mapping
from typing import Final

STANDS_STILL_S: Final = 10.0
_LOOKS_WITHIN_S: Final = 1.0
"""A look that comes later is of somebody who stood still himself, or of a database that did."""


class Standstill:
    """Watches the signs of other processes. Used by one thread."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[object, float]] = {}
        """By number of a process: its sign, and since when we see it, monotonic seconds."""
        self._looked_at = float("-inf")

    def look(self, signs: Mapping[int, object], now: float) -> list[int]:
        """Return the processes that stand still, by the signs of all others at this moment."""
        if now - self._looked_at > _LOOKS_WITHIN_S:
            self._since.clear()
        self._looked_at = now
        before, self._since = self._since, {}
        for number, sign in signs.items():
            known = before.get(number)
            self._since[number] = known if known is not None and known[0] == sign else (sign, now)
        return [number for number, (_, since) in self._since.items() if now - since > STANDS_STILL_S]
