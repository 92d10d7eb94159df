"""Many connections on one thread: what is left of them when the network goes."""

import gc
import socket

import pytest

from simulator.device.event_loop import EventLoop
from simulator.device.mqtt_connection import Account, Address, Connection


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_that_was_given_up_goes_in_silence() -> None:
    """The broker takes it and says nothing: nobody can say good-bye to it."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        event_loop = EventLoop()
        address = Address("127.0.0.1", mute.getsockname()[1])
        connection = Connection(
            event_loop, address, Account("st-01", "secret"), [], lambda _topic, _payload: None
        )
        connection.open()
        event_loop.close(0.05)
        del connection, event_loop
        gc.collect()
