"""Room that is left in the spool: its content is counted only where that may be used up."""

from collections.abc import Callable


class SpoolRoom:
    """Bytes that the spool may still take. Used by the network thread."""

    def __init__(self, limit: int, count: Callable[[], int]) -> None:
        """`count` returns how many bytes the spool holds, of at most `limit`."""
        self._limit = limit
        self._count = count
        self._left = 0
        """At least so much is left; 0: it is to be counted."""

    def use(self, size: int) -> None:
        """Note that the spool may have grown by `size`."""
        self._left -= size

    def count_again(self) -> None:
        """Note that the spool may have grown by any size."""
        self._left = 0

    def is_used_up(self) -> bool:
        """Return whether the spool is as large as it may be."""
        if self._left <= 0:
            self._left = self._limit - self._count()
        return self._left <= 0
