"""The nodes of the broker of a cluster: one of Mosquitto, or several."""

import time
from typing import Final, Protocol

from broker.mosquitto import Broker
from broker.nats.cluster import NatsCluster
from edge_worker.errors import BrokerError

_WITHIN_S: Final = 60.0


class Brokers(Protocol):
    """Nodes that can be killed, stopped and started again, by their numbers from 0."""

    @property
    def count(self) -> int:
        """How many there are."""

    def kill(self, number: int) -> None:
        """End a node with SIGKILL."""

    def start(self, number: int) -> None:
        """Start a node that was killed, and return when it answers; raises BrokerError."""

    def pause(self, number: int) -> None:
        """Stop a node with SIGSTOP."""

    def resume(self, number: int) -> None:
        """Let it go on."""


class Mosquitto:
    """The one node of Mosquitto."""

    count: Final = 1

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def kill(self, _number: int) -> None:
        """End it with SIGKILL."""
        self._broker.kill()

    def start(self, _number: int) -> None:
        """Start it, and return when it answers; raises BrokerError."""
        deadline = time.monotonic() + _WITHIN_S
        while True:
            try:
                return self._broker.start()
            except BrokerError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def pause(self, _number: int) -> None:
        """Stop it with SIGSTOP."""
        self._broker.pause()

    def resume(self, _number: int) -> None:
        """Let it go on."""
        self._broker.resume()


class Nats:
    """The nodes of NATS."""

    def __init__(self, cluster: NatsCluster) -> None:
        self._cluster = cluster
        self.count: Final = len(cluster.nodes)

    def kill(self, number: int) -> None:
        """End a node with SIGKILL."""
        self._cluster.kill_node(number)

    def start(self, number: int) -> None:
        """Start a node that was killed, and return when it answers; raises BrokerError."""
        self._cluster.start_node(number)

    def pause(self, number: int) -> None:
        """Stop a node with SIGSTOP."""
        self._cluster.pause_node(number)

    def resume(self, number: int) -> None:
        """Let it go on."""
        self._cluster.resume_node(number)
