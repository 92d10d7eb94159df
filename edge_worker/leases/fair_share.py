"""Fair shares: how many shards a process may hold, and which of them it lets go."""

from collections.abc import Collection

from edge_worker.protocol.sharing.shard import SHARDS


def fair_share(own: int, members: Collection[int]) -> int:
    """Return how many shards a process may hold, by its number and those of all that are there."""
    all_of_them = sorted({own, *members})
    share, rest = divmod(SHARDS, len(all_of_them))
    return share + (all_of_them.index(own) < rest)


def surplus(held: Collection[int], busy: Collection[int], share: int) -> frozenset[int]:
    """Return the shards that are too many, those first that are not `busy`: nothing of them is open."""
    count = max(0, len(held) - share)
    return frozenset(sorted(held, key=lambda shard: (shard in busy, shard))[:count])
