"""Order in which sessions try the brokers of a cluster: what did not answer one of them comes last for all.

To try a machine that is gone takes two seconds, in which the thread of all sessions does nothing else.
"""

import random
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Final

from edge_worker.broker_address import BrokerAddress

_LAST_FOR_S: Final = 10.0
_KEEPALIVE_S: Final = 30
_KEEPALIVE_OF_SEVERAL_S: Final = 3
"""With several brokers: a machine that is gone says no farewell, and is noticed after twice this time."""


class BrokerOrder:
    """The brokers of one session, from any of them on, so that the sessions are shared out."""

    _failed_at: ClassVar[dict[BrokerAddress, float]] = {}
    """Monotonic time at which each last did not answer a session of this process."""

    def __init__(self, brokers: Sequence[BrokerAddress]) -> None:
        self._brokers = deque(brokers)
        self._brokers.rotate(random.randrange(len(brokers)))  # noqa: S311 - no secret

    def __len__(self) -> int:
        return len(self._brokers)

    @property
    def keepalive_s(self) -> int:
        """Seconds without a message after which a session asks its broker whether it is still there."""
        return _KEEPALIVE_S if len(self) == 1 else _KEEPALIVE_OF_SEVERAL_S

    @property
    def tried(self) -> BrokerAddress:
        """The one that `next` returned last."""
        return self._brokers[-1]

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
