"""Latency of an upload over HTTP compared with the same recording sent by a device."""

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import paho.mqtt.client as mqtt
import requests
import soundfile
from paho.mqtt.enums import CallbackAPIVersion

from bench.progress import steps
from broker.account import Credentials
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import LAST, MAX_BODY_BYTES, PCM, SAMPLE_BYTES, Chunk, encode
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise

RATE: Final = 44_100
SECONDS: Final = 4.0
ROUNDS: Final = 60
_WITHIN_S: Final = 30.0


def measure() -> dict[str, float]:
    """Return the median times from the first byte to the result, ms, and the median of their differences."""
    samples = (synthesise("normal", seconds=SECONDS, sample_rate=RATE) * 32_767).astype("<i2")
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        site.start_worker()
        url = site.start_api()
        file = Path(name) / "heart.wav"
        soundfile.write(file, samples, RATE)
        device = _MqttDevice(site, site.add_device("bench-0"), samples)
        with requests.Session() as session:
            content = file.read_bytes()
            pairs = [
                (device.send_ms(), _upload_ms(session, url, content)) for _ in steps(range(ROUNDS), "uploads")
            ]
        device.close()
    sent, uploaded = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "upload_device_ms": sent,
        "upload_http_ms": uploaded,
        "upload_adds_ms": statistics.median(http - mqtt for mqtt, http in pairs),
    }


def _upload_ms(session: requests.Session, url: str, content: bytes) -> float:
    started = time.perf_counter()
    answer = session.post(f"{url}/api/v1/recordings", files={"file": content}, timeout=_WITHIN_S)
    took_ms = (time.perf_counter() - started) * 1000
    if answer.status_code != 201:
        raise RuntimeError(f"the upload was answered with {answer.status_code}: {answer.text}")
    return took_ms


class _MqttDevice:
    """MQTT client that sends a recording without pacing and waits for its compact result."""

    def __init__(self, site: Site, account: Credentials, samples: npt.NDArray[np.int16]) -> None:
        self._samples, self._number, self._account = samples, 0, account
        self._has_result = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=account.username)
        self._client.username_pw_set(account.username, account.password)
        self._client.on_message = lambda *_: self._has_result.set()
        self._client.on_connect = lambda client, *_: client.subscribe(
            topics.device_result(account.username), 1
        )
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect(site.broker.host, site.broker.port)
        self._client.loop_start()
        subscribed.wait(_WITHIN_S)

    def send_ms(self) -> float:
        """Send one recording; return the time until its result, ms."""
        self._number += 1
        self._has_result.clear()
        started = time.perf_counter()
        step = MAX_BODY_BYTES // SAMPLE_BYTES
        for first in range(0, len(self._samples), step):
            body = self._samples[first : first + step].tobytes()
            is_last = first + step >= len(self._samples)
            count = len(body) // SAMPLE_BYTES
            chunk = Chunk(PCM, LAST if is_last else 0, 1, RATE, self._number, first, count, body)
            self._client.publish(topics.pcm(self._account.username), encode(chunk), 1)
        if not self._has_result.wait(_WITHIN_S):
            raise RuntimeError("the recording got no result")
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
