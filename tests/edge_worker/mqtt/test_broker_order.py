"""Order in which the sessions of a process try the brokers of a cluster."""

import pytest

from edge_worker.broker_address import BrokerAddress
from edge_worker.mqtt.broker_order import BrokerOrder

BROKERS = [BrokerAddress(f"n{number}.lan", 1883) for number in (1, 2, 3)]


@pytest.fixture(autouse=True)
def _nobody_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrokerOrder, "_failed_at", {})


def test_each_session_tries_all_in_turn() -> None:
    order = BrokerOrder(BROKERS)
    tried = [order.next(0.0) for _ in range(6)]
    assert sorted(tried[:3]) == BROKERS
    assert tried[3:] == tried[:3]


def test_what_did_not_answer_one_session_comes_last_for_all_of_them_for_a_while() -> None:
    one, other = BrokerOrder(BROKERS), BrokerOrder(BROKERS)
    one.failed(BROKERS[1], 100.0)
    assert [other.next(101.0 + number) for number in range(6)].count(BROKERS[1]) == 0
    assert BROKERS[1] in [other.next(110.0) for _ in range(3)]
    for broker in BROKERS:
        one.failed(broker, 200.0)
    assert sorted(other.next(201.0) for _ in range(3)) == BROKERS
    alone = BrokerOrder(BROKERS[:1])
    alone.failed(BROKERS[0], 300.0)
    assert alone.next(300.0) == BROKERS[0]
