"""Leases of processes without the broker: they take nothing from those that have it, and keep nothing."""

import time
from collections.abc import Callable
from typing import Protocol

import pytest
from conftest import wait_until
from lease_holder import ALL, Holder

from edge_worker.leases import fair_share
from edge_worker.protocol.sharing.shard import SHARDS

pytest_plugins = ["store_fixtures", "lease_fixtures"]
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
HALF = SHARDS // 2
LOOKS_S = 0.5


class MakeHolder(Protocol):
    """Makes a process with a number, on a machine."""

    def __call__(self, number: int, machine: str = "one", *, hears: bool = True) -> Holder: ...


def stays(condition: Callable[[], bool]) -> None:
    """Require that something is true for some looks."""
    deadline = time.monotonic() + LOOKS_S
    while time.monotonic() < deadline:
        assert condition()
        time.sleep(0.05)


@pytest.mark.parametrize("machine", ["one", "other"])
def test_one_that_the_broker_does_not_let_in_takes_nothing(holder: MakeHolder, machine: str) -> None:
    first = holder(1)
    wait_until(lambda: first.held == ALL, "all shards")
    refused = holder(2, machine, hears=False)
    wait_until(lambda: refused.locks.is_connected, "it to look")
    stays(lambda: first.held == ALL and not refused.held)
    refused.hears = True
    wait_until(lambda: len(first.held) == len(refused.held) == HALF, "two shares, when it is let in")


@pytest.mark.parametrize("machine", ["one", "other"])
def test_one_that_is_cut_off_lets_go_to_one_that_has_the_broker(
    holder: MakeHolder, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_share, "_DEAF_AFTER_S", 2 * LOOKS_S)
    first, second = holder(1), holder(2, machine)
    wait_until(lambda: len(first.held) == len(second.held) == HALF, "two shares")
    second.hears = False
    stays(lambda: len(second.held) == HALF)  # it may only be on its way to another node
    wait_until(lambda: first.held == ALL and not second.held, "the shards of one that is cut off")
    assert not second.lost
    second.hears = True
    wait_until(lambda: len(first.held) == len(second.held) == HALF, "two shares again")


def test_nothing_moves_while_nobody_has_the_broker(
    holder: MakeHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_share, "_DEAF_AFTER_S", LOOKS_S)
    first, second = holder(1), holder(2, "other")
    wait_until(lambda: len(first.held) == len(second.held) == HALF, "two shares")
    before = set(first.held), set(second.held)
    first.hears = second.hears = False
    for _ in range(4):
        stays(lambda: (first.held, second.held) == before)
