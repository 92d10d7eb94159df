"""Fixtures: a real broker with the shipped configuration, and accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.account import Credentials
from broker.mosquitto import Broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker"), websocket=True, tls=True) as running:
        yield running


@pytest.fixture(scope="module")
def worker(broker: Broker) -> Credentials:
    return broker.add_user("worker")


@pytest.fixture(scope="module")
def operator(broker: Broker) -> Credentials:
    return broker.add_user("operator", "ann")


@pytest.fixture(scope="module")
def device(broker: Broker) -> Credentials:
    return broker.add_user("device", "st-01")


@pytest.fixture(scope="module")
def other_device(broker: Broker) -> Credentials:
    return broker.add_user("device", "st-02")


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of one test, not started, for tests that kill it or fill its queues."""
    running = Broker(tmp_path / "broker")
    yield running
    running.stop()
