"""Fair shares: how many shards a process may hold, which it takes, and which it lets go.

A shard stays on its machine as long as somebody of that is there: the spool is there, too.
"""

from collections.abc import Collection, Mapping
from typing import Final

from edge_worker.protocol.sharing.shard import SHARDS

_NEAR_FIRST_S: Final = 2.0
"""So long what a process held is left to others of its machine, where there are any: twenty looks."""
_EVEN_AFTER_S: Final = 10.0
"""So long a process that ended may be away before its machine lets others have its part: it is replaced."""
_DEAF_AFTER_S: Final = 15.0
"""So long a process may be without the broker before it lets those have its part that are not: it takes up to
ten to notice that a node is gone, and to find another."""


def fair_share(own: int, members: Collection[int]) -> int:
    """Return how many shards a process may hold, by its number and those of all that are there."""
    all_of_them = sorted({own, *members})
    share, rest = divmod(SHARDS, len(all_of_them))
    return share + (all_of_them.index(own) < rest)


def surplus(held: Collection[int], busy: Collection[int], share: int) -> frozenset[int]:
    """Return the shards that are too many, those first that are not `busy`: nothing of them is open."""
    count = max(0, len(held) - share)
    return frozenset(sorted(held, key=lambda shard: (shard in busy, shard))[:count])


class Shares:
    """What one process may take and has to let go, by who is there and who was. Used by one thread."""

    def __init__(self, own: int, machine: int) -> None:
        """Be the process `own` of a `machine`."""
        self._own, self._machine = own, machine
        self._members: Mapping[int, int] = {}
        """By process that is there and has the broker: its machine."""
        self._heard_at = float("-inf")
        """When we had the broker."""
        self._last: dict[int, tuple[int, int]] = {}
        """By shard: the process that holds it, or was the last to, and the machine of that."""
        self._free_since: dict[int, float] = {}
        self._even_at = float("-inf")

    def look(self, members: Mapping[int, int], holders: Mapping[int, int], now: float) -> None:
        """Take a look at who is there and has the broker, on which machine, and at who holds what."""
        if members.keys() - self._members.keys():
            self._even_at = float("-inf")
        elif self._members.keys() - members.keys():
            self._even_at = now + _EVEN_AFTER_S
        self._members = members
        if self._own in members:
            self._heard_at = now
        self._last |= {shard: (each, members[each]) for shard, each in holders.items() if each in members}
        free = set(range(SHARDS)) - set(holders)
        self._free_since = {shard: self._free_since.get(shard, now) for shard in free}

    @property
    def has_others(self) -> bool:
        """Whether there is another machine."""
        return any(machine != self._machine for machine in self._members.values())

    def surplus(self, held: Collection[int], busy: Collection[int], now: float) -> frozenset[int]:
        """Return what is to be let go of what is held."""
        if self._members and now - self._heard_at >= _DEAF_AFTER_S:
            return frozenset(held)
        share = fair_share(self._own, self._members)
        return surplus(held, busy, share) if now >= self._even_at else frozenset()

    def choices(self, held: Collection[int], now: float) -> tuple[list[int], int]:
        """Return what is free to be taken, and how many of it may be; without the broker nothing."""
        if self._own not in self._members:
            return [], 0
        room = max(0, fair_share(self._own, self._members) - len(held))
        free, lost_here = [], []
        for shard, since in self._free_since.items():
            process, machine = self._last.get(shard, (self._own, self._machine))
            was_let_go = process in self._members or process == self._own
            if not was_let_go and machine == self._machine:
                lost_here.append(shard)
            elif was_let_go or machine not in self._members.values() or now - since >= _NEAR_FIRST_S:
                free.append(shard)
        if lost_here:
            near = max(1, list(self._members.values()).count(self._machine))
            return lost_here, max(room, -(-len(lost_here) // near))
        return free, room
