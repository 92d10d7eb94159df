"""Order in which sessions try the brokers of a cluster: what did not answer one of them comes last for all.

To try a machine that is gone takes two seconds, in which the thread of all sessions does nothing else.
"""

import random
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Final

from edge_worker.broker_address import BrokerAddress

_LAST_FOR_S: Final = 10.0


class BrokerOrder:
    """The brokers of one session, from any of them on, so that the sessions are shared out."""

    _failed_at: ClassVar[dict[BrokerAddress, float]] = {}
    """Monotonic time at which each last did not answer a session of this process."""

    def __init__(self, brokers: Sequence[BrokerAddress]) -> None:
        self._brokers = deque(brokers)
        self._brokers.rotate(random.randrange(len(brokers)))  # noqa: S311 - no secret

    def __len__(self) -> int:
        return len(self._brokers)

    def next(self, now: float) -> BrokerAddress:
        """Return the one to be tried now, and after it the next."""
        for _ in range(len(self)):
            if now - self._failed_at.get(self._brokers[0], float("-inf")) >= _LAST_FOR_S:
                break
            self._brokers.rotate(-1)
        self._brokers.rotate(-1)
        return self._brokers[-1]

    def failed(self, broker: BrokerAddress, now: float) -> None:
        """Note that a broker does not answer."""
        self._failed_at[broker] = now
