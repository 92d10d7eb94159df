"""A device on the wire: its protocol state, its connection and the bad network between them."""

import json
import time
from collections.abc import Callable
from typing import Final

from edge_worker.protocol import topics
from simulator.device.device import Device, Message
from simulator.device.mqtt_connections import Account, Address, Connection, Network
from simulator.device.network_fault import Fault

_WINDOW: Final = 20
"""Messages on the way to the broker at once: what waits longer waits in the device, not in the client."""


class Stethoscope:
    """Plays one device. Everything happens in calls of `Network.spin`."""

    def __init__(
        self,
        device: Device,
        network: Network,
        address: Address,
        account: Account,
        fault: Fault | None = None,
        *,
        hears_live: bool = False,
    ) -> None:
        """Prepare; `connection.open` starts. `hears_live`: it shows values while it records."""
        self.device = device
        self.analysers: set[str] = set()
        """Topics of the workers that are ready."""
        self.on_change: Callable[[], None] = lambda: None
        """Called after anything has happened."""
        self._network = network
        self._fault = fault
        self._wakes_at = float("inf")
        listens = [
            topics.control(device.device_id),
            topics.device_result(device.device_id),
            topics.worker("+"),
            *([topics.live(device.device_id)] if hears_live else []),
        ]
        self.connection = Connection(network, address, account, listens, self._receive)
        self.connection.will(device.will())
        self.connection.on_ready = device.connected
        self.connection.on_work = self.work

    def work(self) -> None:
        """Send what is due and what the window has room for, and arrange to be called again."""
        now = time.monotonic()
        while self.connection.is_ready and self.connection.unacknowledged < _WINDOW:
            message = self.device.take(now)
            if message is None:
                self._flush()
                break
            if self._fault is not None and message.topic == topics.pcm(self.device.device_id):
                for payload in self._fault.send(message.payload):
                    self.connection.publish(message._replace(payload=payload))
            else:
                self.connection.publish(message)
        self._sleep(now)
        self.on_change()

    def close(self) -> None:
        """End in order: offline, then disconnect."""
        if self.connection.is_ready:
            self.connection.publish(self.device.farewell())
        self.connection.close()

    def _flush(self) -> None:
        """Let go of what the bad network holds back once the device has nothing more to say."""
        if self._fault is not None and not self.device.is_recording:
            for payload in self._fault.flush():
                self.connection.publish(Message(topics.pcm(self.device.device_id), payload))

    def _sleep(self, now: float) -> None:
        """Wake up when the device has something to say; until then an acknowledgement wakes us."""
        due_at = self.device.due_at()
        if now < due_at < self._wakes_at:
            self._wakes_at = due_at
            self._network.call_at(due_at, self._wake)

    def _wake(self) -> None:
        self._wakes_at = float("inf")
        self.work()

    def _receive(self, topic: str, payload: bytes) -> None:
        if topic.startswith(topics.worker("")):
            self._note_worker(topic, payload)
        else:
            self.device.receive(topic, payload, time.monotonic())

    def _note_worker(self, topic: str, payload: bytes) -> None:
        try:
            is_ready = json.loads(payload)["state"] == "ready"
        except (ValueError, TypeError, KeyError):
            is_ready = False
        (self.analysers.add if is_ready else self.analysers.discard)(topic)
