"""The stethoscopes of a cluster, and an operator that receives every full result, on one thread."""

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from bench.cluster.recorders import Recorder, Sender, Streamer
from bench.cluster.sent import Sent
from edge_worker.errors import BrokerError
from edge_worker.protocol import topics
from simulator.device.device import Device
from simulator.device.event_loop import EventLoop
from simulator.device.live_device import LiveDevice
from simulator.device.message import Message
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.device.stethoscope import Stethoscope
from simulator.site.site import NatsSite, Site

_TURN_S: Final = 0.02
_CLOSE_S: Final = 5.0


class Ward:
    """`start` before use, `stop` after; nothing new is recorded after `rest`."""

    def __init__(
        self,
        site: Site | NatsSite,
        address: Address,
        *,
        devices: int,
        streams: int,
        every_s: float,
        chance: random.Random,
    ) -> None:
        """Let so many `devices` record every so many seconds, and so many others stream."""
        self._event_loop = EventLoop()
        self._address = address
        self._chance = chance
        self._senders: list[Sender] = [
            Recorder(self._connect(site, f"ward-{number:03}"), chance, every_s) for number in range(devices)
        ]
        self._senders += [self._streamer(site, f"ear-{number:03}") for number in range(streams)]
        operator = Account(site.operator.username, site.operator.password, "operator")
        self._operator = Connection(
            self._event_loop, self._address, operator, [topics.ALL_RESULTS], self._hear
        )
        self._results: dict[tuple[str, str], set[bytes]] = {}
        self._may_begin, self._is_over = threading.Event(), threading.Event()
        self._turns = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ward")
        self.sent: list[Sent] = []
        self.failure: Exception | None = None

    def start(self) -> None:
        """Connect, and begin to record."""
        for connection in self._connections():
            connection.open()
        self._may_begin.set()
        self._thread.start()

    def rest(self) -> None:
        """Begin nothing any more."""
        with self._turns:
            self._may_begin.clear()

    def settle(self, within_s: float, look: Callable[[float], None]) -> bool:
        """Wait until each device knows that all is stored; return whether it does. `look` waits a moment.

        A result that came while a device was not connected is at the broker only until the next one.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if all(each.answered_at is not None for each in list(self.sent)):
                return True
            look(0.2)
        return False

    def stop(self) -> None:
        """Disconnect."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def different_results(self) -> int:
        """Return of how many recordings more than one result was published."""
        return sum(len(payloads) > 1 for payloads in self._results.values())

    def _connections(self) -> list[Connection]:
        return [self._operator, *(each.stethoscope.connection for each in self._senders)]

    def _connect(self, site: Site | NatsSite, name: str, device: Device | None = None) -> Stethoscope:
        account = site.add_device(name)
        device = device or Device(name, f"{self._chance.getrandbits(32):08x}")
        return Stethoscope(device, self._event_loop, self._address, Account(name, account.password))

    def _streamer(self, site: Site | NatsSite, name: str) -> Streamer:
        device = LiveDevice(name, f"{self._chance.getrandbits(32):08x}", 2048)
        return Streamer(self._connect(site, name, device), device, self._chance)

    def _run(self) -> None:
        try:
            while not self._is_over.is_set():
                try:
                    self._event_loop.run_once(_TURN_S)
                except (BrokerError, OSError):  # the broker is being killed
                    time.sleep(_TURN_S)
                with self._turns:
                    self._turn(time.monotonic())
            for sender in self._senders:
                sender.stethoscope.close()
            self._operator.close()
            self._event_loop.close(_CLOSE_S)
        except Exception as error:
            self.failure = error

    def _turn(self, now: float) -> None:
        for sender in self._senders:
            begun = sender.turn(now, may_begin=self._may_begin.is_set())
            if begun is not None:
                self.sent.append(begun)

    def _hear(self, message: Message) -> None:
        document = json.loads(message.payload)
        key = (document["device_id"], document["recording_id"])
        self._results.setdefault(key, set()).add(message.payload)
