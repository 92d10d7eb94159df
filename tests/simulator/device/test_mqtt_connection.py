"""MQTT connections whose broker does not answer."""

import gc
import socket

import pytest

from simulator.device.event_loop import EventLoop
from simulator.device.mqtt_connection import Account, Address, Connection


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_an_abandoned_connection_is_collected_without_an_error() -> None:
    """The broker accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as broker:
        event_loop = EventLoop()
        address = Address("127.0.0.1", broker.getsockname()[1])
        connection = Connection(event_loop, address, Account("st-01", "secret"), [], lambda _message: None)
        connection.open()
        event_loop.close(0.05)
        del connection, event_loop
        gc.collect()
