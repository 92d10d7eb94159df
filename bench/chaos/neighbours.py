"""Neighbours: ordinary stethoscopes that record while something goes wrong, and what became of it."""

import hashlib
import random
import statistics
import threading
import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.chaos.site_control import SiteControl
from edge_worker.errors import BrokerError
from simulator.device.delivery import Delivery
from simulator.device.device import Device
from simulator.device.event_loop import EventLoop
from simulator.device.mqtt_connection import Account, Address
from simulator.device.recording import Recording
from simulator.device.stethoscope import Stethoscope
from simulator.sound.sound_file import from_samples

RATE: Final = 8000
SECONDS: Final = 1.0
EVERY_S: Final = 1.0
"""A neighbour starts a recording this often, as soon as the last one is sent."""
_LOST_MS: Final = 60_000.0
"""Latency of a recording that was never stored."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One recording that a neighbour sent."""

    device_id: str
    delivery: Delivery
    audio_sha256: str
    started_at: float
    """Monotonic clock, seconds."""


class Neighbours:
    """Stethoscopes on one thread. `start` before use, `stop` after; `record` and `rest` in between."""

    def __init__(self, site: SiteControl, count: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._event_loop = EventLoop()
        address = Address(site.site.broker.host, site.site.broker.port)
        self._stethoscopes = [
            self._stethoscope(site, address, f"neighbour-{number}") for number in range(count)
        ]
        self._is_recording, self._is_over = threading.Event(), threading.Event()
        self._begins = threading.Lock()
        """Held while a recording begins, so that `rest` returns with all of them in `sent`."""
        self._thread = threading.Thread(target=self._run, name="neighbours")
        self.sent: list[Sent] = []

    def _stethoscope(self, site: SiteControl, address: Address, name: str) -> Stethoscope:
        account = site.site.add_device(name)
        device = Device(name, f"{self._random.getrandbits(32):08x}")
        return Stethoscope(device, self._event_loop, address, Account(name, account.password))

    def start(self) -> None:
        """Connect and begin to record."""
        for stethoscope in self._stethoscopes:
            stethoscope.connection.open()
        self._is_recording.set()
        self._thread.start()

    def stop(self) -> None:
        """Disconnect."""
        self._is_over.set()
        self._thread.join()

    def rest(self) -> None:
        """Start no further recording."""
        with self._begins:
            self._is_recording.clear()

    def settle(self, within_s: float) -> bool:
        """Wait until each recording has its result; return whether all have."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if all(each.delivery.result for each in list(self.sent)):
                return True
            time.sleep(0.1)
        return False

    def latency_ms(self, since: float, until: float) -> float | None:
        """Return the median time from last chunk to `stored` of what began in a time, None without any."""
        taken = [_latency_ms(each) for each in list(self.sent) if since <= each.started_at < until]
        return statistics.median(taken) if taken else None

    def _run(self) -> None:
        next_at = [time.monotonic()] * len(self._stethoscopes)
        while not self._is_over.is_set():
            try:
                self._event_loop.run_once(0.05)
            except (BrokerError, OSError):  # the broker is being killed
                time.sleep(0.05)
            with self._begins:
                if self._is_recording.is_set():
                    self._record_where_due(next_at, time.monotonic())
        for stethoscope in self._stethoscopes:
            stethoscope.close()
        self._event_loop.close()

    def _record_where_due(self, next_at: list[float], now: float) -> None:
        for index, stethoscope in enumerate(self._stethoscopes):
            if now >= next_at[index] and not stethoscope.device.is_recording:
                next_at[index] = now + EVERY_S
                self._record(stethoscope, now)

    def _record(self, stethoscope: Stethoscope, now: float) -> None:
        noise = np.random.default_rng(self._random.getrandbits(32)).uniform(-0.5, 0.5, int(RATE * SECONDS))
        sound = from_samples(noise.astype(np.float32), RATE)
        recording = Recording.from_sound(sound, self._random.getrandbits(64), b"", 2048)
        recording = replace(recording, meta=b"{}")
        delivery = stethoscope.device.record(recording, now, in_real_time=False)
        digest = hashlib.sha256(recording.pcm).hexdigest()
        self.sent.append(Sent(stethoscope.device.device_id, delivery, digest, now))
        stethoscope.send_due_messages()


def _latency_ms(sent: Sent) -> float:
    stored_at, last_sent_at = sent.delivery.stored_at, sent.delivery.last_sent_at
    if stored_at is None or last_sent_at is None:
        return _LOST_MS
    return 1000 * (stored_at - last_sent_at)
