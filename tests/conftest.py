"""Fixtures for all tests: a site of real processes, plain MQTT clients, and sound as chunks."""

import gc
import json
import os
import signal
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import hypothesis
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from broker.account import Credentials
from broker.mosquitto import Broker
from broker.nats.cluster import NatsCluster
from edge_worker.protocol import chunk as codec
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk, encode
from simulator.site.site import Site

WITHIN_S = 30.0
_MANY_DESCRIPTORS = 300

# Nothing is timed in a test. A run that decides about a change must be repeatable; every other one explores.
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=5000)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "explore")


# A background job of a shell ignores SIGINT, and so would the processes that its tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _few_descriptors() -> Iterator[None]:
    """Close what applications of earlier tests left open, before they are too many for this process."""
    yield
    if len(list(Path("/proc/self/fd").iterdir())) > _MANY_DESCRIPTORS:
        gc.collect()


def pytest_report_header() -> str:
    """Return the line at the top of the run that tells whether the recordings are there."""
    directory = datasets_directory()
    if directory.is_dir():
        return f"recordings: {directory}"
    return f"recordings: NONE in {directory} — tests on real sound are SKIPPED (set STETHO_DATASETS)"


def datasets_directory() -> Path:
    """Return the directory where the public recordings should be."""
    return Path(os.environ.get("STETHO_DATASETS", Path(__file__).parents[2] / "shared" / "datasets"))


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Directory of the public recordings; skips the test, with a reason, where they are absent."""
    directory = datasets_directory()
    if not directory.is_dir():
        pytest.skip(f"no recordings in {directory}: set STETHO_DATASETS to run this test on real sound")
    return directory


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Site with a broker, on which worker and API can be started; short time-outs for lost chunks."""
    with Site(tmp_path / "site", {"STETHO_GIVE_UP_S": "3", "STETHO_MISSING_AFTER_S": "0.2"}) as running:
        yield running


class Client:
    """Plain MQTT client that stores every message it receives."""

    def __init__(self, broker: Broker | NatsCluster, account: Credentials, *subscriptions: str) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self._subscribed = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=account.username)
        self._client.username_pw_set(account.username, account.password)
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.on_connect = lambda *_: self._subscribe(subscriptions)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        wait_until(lambda: self._subscribed or not subscriptions, "the subscription")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, subscriptions: tuple[str, ...]) -> None:
        if subscriptions:
            self._client.subscribe([(topic, 1) for topic in subscriptions])

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait for the acknowledgement."""
        wait_until(self._client.is_connected, "the broker to be back")
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WITHIN_S)

    def documents(self, topic: str) -> list[dict[str, Any]]:
        """Return the JSON documents received on `topic` so far."""
        return [json.loads(message.payload) for message in list(self.messages) if message.topic == topic]

    def wait_for(self, topic: str, **expected: object) -> dict[str, Any]:
        """Return the first document on `topic` that has these values."""
        matches: list[dict[str, Any]] = []

        def has_match() -> bool:
            matches[:] = [each for each in self.documents(topic) if expected.items() <= each.items()]
            return bool(matches)

        wait_until(has_match, f"{expected} on {topic}")
        return matches[0]


class Device(Client):
    """Stethoscope reduced to its chunks: sends those it is given, resends none by itself."""

    def __init__(self, site: Site, device_id: str) -> None:
        self.device_id = device_id
        super().__init__(site.broker, site.add_device(device_id), f"stetho/v1/device/{device_id}/down/#")

    def send(self, chunk: Chunk) -> None:
        """Publish one chunk."""
        self.publish(topics.pcm(self.device_id), encode(chunk))

    def send_all(self, chunks: list[Chunk]) -> None:
        """Publish chunks in this order."""
        for chunk in chunks:
            self.send(chunk)


def wait_until(condition: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
    """Return as soon as `condition` holds; fail the test when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {within_s:g} s in vain for {what}")
        time.sleep(0.01)


def rows(site: Site, query: str) -> list[tuple[Any, ...]]:
    """Return the rows that the database of a site returns for a query."""
    with sqlite3.connect(site.data_dir / "stetho.db") as connection:
        return connection.execute(query).fetchall()


def cut(pcm: bytes, recording_id: int, size: int = 2048, sample_rate: int = 4000) -> list[Chunk]:
    """Return mono PCM as the chunks of one recording."""
    total = len(pcm) // codec.SAMPLE_BYTES
    return [
        Chunk(
            codec.PCM,
            codec.LAST if start + size >= total else 0,
            1,
            sample_rate,
            recording_id,
            start,
            min(size, total - start),
            pcm[start * 2 : min(start + size, total) * 2],
        )
        for start in range(0, total, size)
    ]


def beep(samples: int, step: int = 37) -> bytes:
    """Return a deterministic saw tooth, 16-bit little endian: sound that no model takes for a heart."""
    return struct.pack(f"<{samples}h", *((n * step) % 20000 - 10000 for n in range(samples)))
