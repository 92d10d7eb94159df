"""Hostile device: a client with the valid password of one device, which sends whatever it likes."""

import random
import threading
import time
from types import TracebackType
from typing import Final, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.chaos.site_control import SiteControl
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import META, PCM, Chunk, encode

NAME: Final = "hostile"
_MOST_WAITING: Final = 200
_PATIENCE_S: Final = 2.0


class HostileDevice:
    """An MQTT client of the account `hostile`. A context manager; `is_over` ends an attack."""

    def __init__(self, site: SiteControl, seed: int) -> None:
        self.random = random.Random(seed)
        self.messages = 0
        self._over = threading.Event()
        account = site.site.add_device(NAME)
        self._broker = site.site.broker
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=account.username)
        self._client.username_pw_set(account.username, account.password)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(_MOST_WAITING)
        self._waiting: list[mqtt.MQTTMessageInfo] = []

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_over(self) -> bool:
        """Whether the attack has lasted long enough."""
        return self._over.is_set()

    def end(self) -> None:
        """Have the attack end."""
        self._over.set()

    def pause(self, seconds: float) -> None:
        """Wait, or less when the attack is over."""
        self._over.wait(seconds)

    def publish(self, payload: bytes, topic: str | None = None, *, retain: bool = False) -> None:
        """Publish at QoS 1; wait while too many messages are unacknowledged, but not for ever."""
        deadline = time.monotonic() + _PATIENCE_S
        while len(self._waiting) >= _MOST_WAITING and time.monotonic() < deadline:
            self._waiting = [each for each in self._waiting if not each.is_published()]
            if len(self._waiting) >= _MOST_WAITING:
                time.sleep(0.005)
        self._waiting = self._waiting[-_MOST_WAITING:]
        self._waiting.append(self._client.publish(topic or topics.pcm(NAME), payload, 1, retain))
        self.messages += 1

    def sound(
        self, number: int, first: int, body: bytes, *, flags: int = 0, rate: int = 44_100, channels: int = 1
    ) -> None:
        """Publish a PCM chunk."""
        samples = len(body) // (2 * channels)
        self.publish(encode(Chunk(PCM, flags, channels, rate, number, first, samples, body)))

    def meta(self, number: int, body: bytes, *, flags: int = 0, rate: int = 8000) -> None:
        """Publish a META chunk with any bytes."""
        self.publish(encode(Chunk(META, flags, 1, rate, number, 0, len(body), body)))

    def number(self) -> int:
        """Return the id of a new recording."""
        return self.random.getrandbits(64)
