"""Fault injection: the configured rates, reproducible by the seed."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.device.network_fault import FaultInjector, FaultRates

PAYLOADS = [bytes([number]) * 20 for number in range(200)]


def _send_all(injector: FaultInjector, payloads: list[bytes]) -> list[bytes]:
    return [out for payload in payloads for out in injector.send(payload)] + injector.flush()


def test_without_faults_payloads_pass_unchanged_and_at_once() -> None:
    injector = FaultInjector(FaultRates(), 1)
    assert [injector.send(payload) for payload in PAYLOADS] == [[payload] for payload in PAYLOADS]
    assert injector.flush() == []


def test_faults_depend_on_the_seed_alone() -> None:
    rates = FaultRates(0.2, 0.2, 8, 0.1)
    first, again, other = (_send_all(FaultInjector(rates, seed), PAYLOADS) for seed in (7, 7, 8))
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
def test_rates_of_loss_and_duplication(rates: FaultRates, least: int, most: int) -> None:
    out = _send_all(FaultInjector(rates, 3), PAYLOADS)
    assert least <= len(out) <= most
    assert set(out) <= set(PAYLOADS)
    assert max(Counter(out).values(), default=1) <= 2


@pytest.mark.parametrize(("corrupt", "least", "most"), [(0.3, 30, 90), (1.0, 200, 200)])
def test_corruption_changes_one_byte_at_its_rate(corrupt: float, least: int, most: int) -> None:
    out = _send_all(FaultInjector(FaultRates(corrupt=corrupt), 4), PAYLOADS)
    differences = [sum(a != b for a, b in zip(x, y, strict=True)) for x, y in zip(out, PAYLOADS, strict=True)]
    assert set(differences) <= {0, 1}
    assert least <= sum(differences) <= most


@settings(deadline=None, max_examples=50)  # nothing is timed in a test
@given(seed=st.integers(0, 2**32), reorder=st.integers(0, 20))
def test_reordering_loses_nothing_and_is_limited(seed: int, reorder: int) -> None:
    out = _send_all(FaultInjector(FaultRates(reorder=reorder), seed), PAYLOADS)
    assert sorted(out) == sorted(PAYLOADS)
    order = [payload[0] for payload in out]
    for place, number in enumerate(order):
        assert sum(before > number for before in order[:place]) <= reorder


def test_reordering_happens() -> None:
    assert _send_all(FaultInjector(FaultRates(reorder=8), 1), PAYLOADS) != PAYLOADS
