"""Load of many streaming devices on one event loop, with an operator that receives their live values."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from broker.account import Credentials
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import LAST, PCM, STREAM, Chunk, encode
from simulator.device.event_loop import EventLoop
from simulator.device.message import Message
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.site.site import Site
from simulator.sound.heart_sound import FINDINGS, heart_sound
from simulator.sound.sound_file import from_samples

RATE: Final = 44_100
CHUNK: Final = 8192
_WITHIN_S: Final = 180.0


@dataclass(slots=True)
class StreamSender:
    """One device that streams."""

    connection: Connection
    topic: str
    chunks: Iterator[Chunk]
    sent_at: dict[int, float] = field(default_factory=dict)
    """Monotonic time at which each chunk was sent, by number."""

    def send(self) -> bool:
        """Send the next chunk; return False without one."""
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        self.sent_at[chunk.first_sample // CHUNK] = time.monotonic()
        self.connection.publish(Message(self.topic, encode(chunk)))
        return True


class StreamLoad:
    """Many devices and an operator on one event loop."""

    def __init__(self, site: Site, count: int, seconds: float) -> None:
        self.event_loop = EventLoop()
        self._address = Address(site.broker.host, site.broker.port)
        sounds = [_sound(number) for number in range(len(FINDINGS))]
        accounts = [site.add_device(f"bench-{number:03}") for number in range(count)]
        self.senders = {
            each.username: self._sender(each, sounds[number % len(sounds)], seconds)
            for number, each in enumerate(accounts)
        }
        self.latencies_ms: dict[str, list[tuple[float, float]]] = {name: [] for name in self.senders}
        """By device: time in the stream, s, and latency, ms, of each hint."""
        self.results = 0
        subscriptions = [topics.ALL_LIVE, topics.ALL_RESULTS]
        operator = Account(site.operator.username, site.operator.password, "operator")
        self._operator = Connection(self.event_loop, self._address, operator, subscriptions, self._receive)

    def connect(self) -> None:
        """Connect all devices and the operator."""
        connections = [self._operator, *(each.connection for each in self.senders.values())]
        for each in connections:
            each.open()
        self.run_until(lambda: all(each.is_ready for each in connections))

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Run the event loop until `is_done`; raises TimeoutError when it takes too long."""
        if not self.event_loop.run_until(is_done, _WITHIN_S):
            raise TimeoutError(f"only {self.results} of {len(self.senders)} streams got their result")

    def close(self) -> None:
        """Disconnect all devices and the operator."""
        for each in (self._operator, *(sender.connection for sender in self.senders.values())):
            each.close()
        self.event_loop.close()

    def _sender(self, account: Credentials, sound: bytes, seconds: float) -> StreamSender:
        connection = Connection(
            self.event_loop,
            self._address,
            Account(account.username, account.password),
            ["$SYS/none"],
            _ignore_message,
        )
        return StreamSender(connection, topics.pcm(account.username), _chunks(sound, seconds))

    def _receive(self, message: Message) -> None:
        now = time.monotonic()
        if not message.topic.endswith("/down/live"):
            self.results += 1
            return
        device = topics.device_of(message.topic)
        t_s = json.loads(message.payload)["t_s"]
        sent_at = self.senders[device].sent_at.get(round(t_s * RATE / CHUNK) - 1) if device else None
        if device and sent_at is not None:
            self.latencies_ms[device].append((t_s, 1000 * (now - sent_at)))


def _sound(number: int) -> bytes:
    heart = heart_sound(FINDINGS[number], 60 + 10 * number, 20.0, RATE, number)
    return from_samples(heart.samples, RATE).pcm.astype("<i2").tobytes()


def _chunks(sound: bytes, seconds: float) -> Iterator[Chunk]:
    """Yield the chunks of a stream that repeats `sound`, mono PCM, for `seconds`."""
    number, total = secrets.randbits(64), round(seconds * RATE)
    whole = len(sound) // 2
    for first in range(0, total, CHUNK):
        count = min(CHUNK, total - first)
        at = first % whole
        body = (sound[2 * at : 2 * (at + count)] + sound)[: 2 * count]
        flags = STREAM | (LAST if first + count == total else 0)
        yield Chunk(PCM, flags, 1, RATE, number, first, count, body)


def _ignore_message(_message: Message) -> None:
    """Ignore messages to a device: only the operator subscribes."""
