"""Processes that share the shards of one database, made as a test needs them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lease_holder import Holder

from edge_worker.database.store import Store


@pytest.fixture
def holder(url: str, store: Store, tmp_path: Path) -> Iterator[Callable[[int, str], Holder]]:
    """Make a holder with a number, in the spool of a machine."""
    holders: list[Holder] = []

    def make(number: int, machine: str = "one", *, hears: bool = True) -> Holder:
        holders.append(Holder(url, number, tmp_path / machine, hears=hears))
        return holders[-1]

    yield make
    for each in holders:
        each.__exit__()
