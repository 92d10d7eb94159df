"""Devices that stream 44.1 kHz through real broker and worker: how soon a hint follows the sound that caused
it, what a device costs, and how many windows a second are judged when sound comes as fast as it can.
"""

import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.machine import cpu_seconds, peak_rss_mb
from broker.account import Credentials
from edge_worker.database.history import History
from edge_worker.database.result_query import ResultFilter
from edge_worker.errors import StethoError
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import LAST, PCM, STREAM, Chunk, encode
from simulator.device.device import Message
from simulator.device.mqtt_connections import Account, Address, Connection, Network
from simulator.site.site import Process, Site
from simulator.sound.heart_sound import FINDINGS, heart_sound
from simulator.sound.sound_file import from_samples

DEVICES: Final = 100
SECONDS: Final = 40.0
WARM_S: Final = 8.0
"""Hints before this are of a worker that warms up, and of streams that have no window yet."""
RATE: Final = 44_100
CHUNK: Final = 8192
FAST_DEVICES: Final = 10
FAST_SECONDS: Final = 60.0
_WITHIN_S: Final = 180.0


@dataclass(slots=True)
class Sender:
    """One device."""

    connection: Connection
    topic: str
    chunks: Iterator[Chunk]
    sent_at: dict[int, float] = field(default_factory=dict)
    """Monotonic time at which each chunk left, by number."""

    def send(self) -> bool:
        """Send the next chunk; False: there is none."""
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        self.sent_at[chunk.first_sample // CHUNK] = time.monotonic()
        self.connection.publish(Message(self.topic, encode(chunk)))
        return True


class Crowd:
    """Many devices on one thread, and an operator who hears what they are told."""

    def __init__(self, site: Site, count: int, seconds: float) -> None:
        self.network = Network()
        self._address = Address(site.broker.host, site.broker.port)
        sounds = [_sound(number) for number in range(len(FINDINGS))]
        accounts = [site.add_device(f"bench-{number:03}") for number in range(count)]
        self.senders = {
            each.username: self._sender(each, sounds[number % len(sounds)], seconds)
            for number, each in enumerate(accounts)
        }
        self.latencies_ms: dict[str, list[tuple[float, float]]] = {name: [] for name in self.senders}
        """Second of the stream and latency of each hint, by device."""
        self.results = 0
        listens = [topics.ALL_LIVE, topics.ALL_RESULTS]
        operator = Account(site.operator.username, site.operator.password, "operator")
        self._operator = Connection(self.network, self._address, operator, listens, self._hear)

    def connect(self) -> None:
        """Connect everybody."""
        connections = [self._operator, *(each.connection for each in self.senders.values())]
        for each in connections:
            each.open()
        self.spin_until(lambda: all(each.is_ready for each in connections))

    def spin_until(self, is_done: Callable[[], bool]) -> None:
        """Let the network work; raises StethoError when it takes too long."""
        deadline = time.monotonic() + _WITHIN_S
        while not is_done():
            if time.monotonic() > deadline:
                raise StethoError(f"only {self.results} of {len(self.senders)} streams got their result")
            self.network.spin(0.05)

    def close(self) -> None:
        """Disconnect everybody."""
        for each in (self._operator, *(sender.connection for sender in self.senders.values())):
            each.close()
        self.network.close()

    def _sender(self, account: Credentials, sound: bytes, seconds: float) -> Sender:
        connection = Connection(
            self.network, self._address, Account(account.username, account.password), ["$SYS/none"], _ignore
        )
        return Sender(connection, topics.pcm(account.username), _chunks(sound, seconds))

    def _hear(self, topic: str, payload: bytes) -> None:
        now = time.monotonic()
        if not topic.endswith("/down/live"):
            self.results += 1
            return
        device = topics.device_of(topic)
        t_s = json.loads(payload)["t_s"]
        sent_at = self.senders[device].sent_at.get(round(t_s * RATE / CHUNK) - 1) if device else None
        if device and sent_at is not None:
            self.latencies_ms[device].append((t_s, 1000 * (now - sent_at)))


def measure() -> dict[str, float]:
    """Return latency and cost at `DEVICES` in real time, and windows a second as fast as it goes."""
    return hints(DEVICES, SECONDS) | {"stream_windows_per_s": windows_per_s()}


def hints(count: int, seconds: float) -> dict[str, float]:
    """Return what `count` devices that stream for `seconds` see and cost."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        worker = site.start_worker()
        crowd = Crowd(site, count, seconds)
        try:
            crowd.connect()
            cpu_s = _in_real_time(crowd, worker, seconds)
            crowd.spin_until(lambda: crowd.results >= count)
        finally:
            crowd.close()
        rss_mb, results = peak_rss_mb(worker.pid), _results(site)
    said = [[ms for t_s, ms in each if t_s >= WARM_S] for each in crowd.latencies_ms.values()]
    every = sorted(ms for each in said for ms in each)
    if not every:
        raise StethoError("no device was told anything")
    return {
        "stream_devices": count,
        "stream_hint_ms_p50": statistics.median(every),
        "stream_hint_ms_p95": every[int(0.95 * len(every))],
        "stream_hint_ms_p99": every[int(0.99 * len(every))],
        "stream_hints_per_s_least": min(map(len, said)) / (seconds - WARM_S),
        "stream_skipped_windows_share": _skipped(results),
        "stream_worker_cores": cpu_s / seconds,
        "stream_cpu_s_per_device_minute": cpu_s / count * 60 / seconds,
        "stream_peak_rss_mb": rss_mb,
    }


def _in_real_time(crowd: Crowd, worker: Process, seconds: float) -> float:
    """Send everything as it would be recorded; return the processor time that the worker took, seconds.

    Devices begin within a second, so that their windows fill as evenly as those of strangers.
    """
    period_s = CHUNK / RATE
    began = time.monotonic() + 0.5
    before_s = cpu_seconds(worker.pid)
    for number, sender in enumerate(crowd.senders.values()):
        _keep_sending(crowd.network, sender, began + number / len(crowd.senders), period_s)
    while time.monotonic() < began + seconds + 2:
        crowd.network.spin(0.05)
    return cpu_seconds(worker.pid) - before_s


def _keep_sending(network: Network, sender: Sender, due_at: float, period_s: float) -> None:
    def send() -> None:
        if sender.send():
            _keep_sending(network, sender, due_at + period_s, period_s)

    network.call_at(due_at, send)


def windows_per_s() -> float:
    """Return the windows that a worker judges in a second of streams that come as fast as they can."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        site.start_worker()
        crowd = Crowd(site, FAST_DEVICES, FAST_SECONDS)
        try:
            crowd.connect()
            began = time.monotonic()
            _as_fast_as_it_goes(crowd)
            crowd.spin_until(lambda: crowd.results >= FAST_DEVICES)
            took_s = time.monotonic() - began
        finally:
            crowd.close()
        windows = _windows(_results(site))
    return windows / took_s


def _as_fast_as_it_goes(crowd: Crowd) -> None:
    waiting = list(crowd.senders.values())
    while waiting:
        waiting = [each for each in waiting if each.connection.unacknowledged >= 20 or each.send()]
        crowd.network.spin(0.001)


def _windows(results: list[dict[str, Any]]) -> int:
    windows: int = sum(model["windows"] for each in results for model in each["models"])
    return windows


def _skipped(results: list[dict[str, Any]]) -> float:
    """Return the share of windows that were left out for want of time."""
    skipped: int = sum(each["stream"]["skipped_windows"] for each in results)
    return skipped / (skipped + _windows(results))


def _results(site: Site) -> list[dict[str, Any]]:
    history = History.open(f"sqlite:///{site.data_dir / 'stetho.db'}")
    found = [json.loads(result) for result in history.all_results(ResultFilter())]
    history.close()
    return found


def _sound(number: int) -> bytes:
    heart = heart_sound(FINDINGS[number], 60 + 10 * number, 20.0, RATE, number)
    return from_samples(heart.samples, RATE).pcm.astype("<i2").tobytes()


def _chunks(sound: bytes, seconds: float) -> Iterator[Chunk]:
    """Yield the chunks of a stream that repeats a sound."""
    number, total = secrets.randbits(64), round(seconds * RATE)
    whole = len(sound) // 2
    for first in range(0, total, CHUNK):
        count = min(CHUNK, total - first)
        at = first % whole
        body = (sound[2 * at : 2 * (at + count)] + sound)[: 2 * count]
        flags = STREAM | (LAST if first + count == total else 0)
        yield Chunk(PCM, flags, 1, RATE, number, first, count, body)


def _ignore(_topic: str, _payload: bytes) -> None:
    """Devices of this bench do not listen; the operator does."""
