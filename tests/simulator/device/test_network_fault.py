"""The bad network: what goes in comes out, but for the faults that were ordered, and the same every time."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.device.network_fault import FaultInjector, FaultRates

PAYLOADS = [bytes([number]) * 20 for number in range(200)]


def _through(fault: FaultInjector, payloads: list[bytes]) -> list[bytes]:
    return [out for payload in payloads for out in fault.send(payload)] + fault.flush()


def test_a_good_network_changes_nothing_and_holds_nothing_back() -> None:
    fault = FaultInjector(FaultRates(), 1)
    assert [fault.send(payload) for payload in PAYLOADS] == [[payload] for payload in PAYLOADS]
    assert fault.flush() == []


def test_the_seed_decides() -> None:
    rates = FaultRates(0.2, 0.2, 8, 0.1)
    first, again, other = (_through(FaultInjector(rates, seed), PAYLOADS) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("rates", "least", "most"),
    [
        (FaultRates(loss=0.3), 110, 170),
        (FaultRates(duplicate=0.3), 230, 290),
        (FaultRates(loss=1.0, duplicate=1.0), 0, 0),
    ],
)
def test_as_many_are_lost_or_doubled_as_ordered(rates: FaultRates, least: int, most: int) -> None:
    out = _through(FaultInjector(rates, 3), PAYLOADS)
    assert least <= len(out) <= most
    assert set(out) <= set(PAYLOADS)
    assert max(Counter(out).values(), default=1) <= 2


@pytest.mark.parametrize(("corrupt", "least", "most"), [(0.3, 30, 90), (1.0, 200, 200)])
def test_corruption_changes_one_byte_of_as_many_as_ordered(corrupt: float, least: int, most: int) -> None:
    out = _through(FaultInjector(FaultRates(corrupt=corrupt), 4), PAYLOADS)
    differences = [sum(a != b for a, b in zip(x, y, strict=True)) for x, y in zip(out, PAYLOADS, strict=True)]
    assert set(differences) <= {0, 1}
    assert least <= sum(differences) <= most


@settings(deadline=None, max_examples=50)  # nothing is timed in a test
@given(seed=st.integers(0, 2**32), reorder=st.integers(0, 20))
def test_disorder_keeps_everything_and_nothing_is_overtaken_by_more_than_ordered(
    seed: int, reorder: int
) -> None:
    out = _through(FaultInjector(FaultRates(reorder=reorder), seed), PAYLOADS)
    assert sorted(out) == sorted(PAYLOADS)
    order = [payload[0] for payload in out]
    for place, number in enumerate(order):
        assert sum(before > number for before in order[:place]) <= reorder


def test_disorder_happens() -> None:
    assert _through(FaultInjector(FaultRates(reorder=8), 1), PAYLOADS) != PAYLOADS
