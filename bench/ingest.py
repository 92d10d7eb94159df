"""Chunks per second through worker and spool, as a fraction of a bare paho subscriber on the same queue.

Both drain what the broker queued for their persistent sessions, one after the other, so that only the broker
and one subscriber run during a measurement.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.machine import cpu_seconds
from bench.progress import steps
from bench.recording.heart_recording import CHUNK, RATE
from broker.account import Credentials
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import PCM, Chunk, encode
from simulator.site.site import Site

CHUNKS: Final = 6000
DEVICES: Final = 3
ROUNDS: Final = 5
_WITHIN_S: Final = 120.0


def measure() -> dict[str, float]:
    """Return rates, processor time per chunk, and `ingest_fraction_of_bare_paho`."""
    rounds = [_round() for _ in steps(range(ROUNDS), "ingest")]
    bare, worker = (statistics.median(column) for column in list(zip(*rounds, strict=True))[:2])
    return {
        "ingest_chunks_per_s": worker,
        "ingest_bare_paho_chunks_per_s": bare,
        "ingest_fraction_of_bare_paho": statistics.median(each[1] / each[0] for each in rounds),
        "ingest_cpu_us_per_chunk": statistics.median(each[2] for each in rounds),
    }


def _round() -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site:
        bare = site.broker.add_user("worker", "bare")
        create_session(site, bare)
        site.start_worker().stop()  # leaves its session behind
        devices = [site.add_device(f"bench-{number}") for number in range(DEVICES)]
        publish_open_recordings(site, devices, CHUNKS // DEVICES)
        bare_rate = _drain_with_paho(site, bare)
        worker_rate, cpu_us = _drain_with_worker(site)
        return bare_rate, worker_rate, cpu_us


def create_session(site: Site, account: Credentials) -> None:
    """Make a persistent session of an account that subscribes to all chunks, as a worker does."""
    client = _client(account)
    subscribed: list[bool] = []

    def subscribe(*_: object) -> None:
        client.subscribe(topics.ALL_PCM, 1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.connect(site.broker.host, site.broker.port)
    deadline = time.monotonic() + _WITHIN_S
    while not subscribed and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()


def publish_open_recordings(site: Site, devices: list[Credentials], chunks_each: int) -> None:
    """Publish chunks of open recordings: without LAST nothing is analysed, only intake is measured."""
    body = bytes(range(256)) * (CHUNK * 2 // 256)
    for device in devices:
        client = _client(device)
        client.connect(site.broker.host, site.broker.port)
        client.loop_start()
        sent = [
            client.publish(
                topics.pcm(device.username), encode(Chunk(PCM, 0, 1, RATE, 1, number * CHUNK, CHUNK, body)), 1
            )
            for number in range(chunks_each)
        ]
        for info in sent:
            info.wait_for_publish(_WITHIN_S)
        client.disconnect()
        client.loop_stop()


def _drain_with_paho(site: Site, account: Credentials) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.bare_subscriber", str(site.broker.port), account.username, str(CHUNKS)],
        input=account.password,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=True,
    )
    return CHUNKS / float(done.stdout)


def _drain_with_worker(site: Site) -> tuple[float, float]:
    """Return chunks per second, from the first to the last in the spool, and processor time per chunk, µs."""
    spool = site.data_dir / "spool"
    worker = site.start_worker()
    deadline = time.monotonic() + _WITHIN_S
    first: tuple[float, float, int] | None = None
    while time.monotonic() < deadline:
        spooled = sum(path.stat().st_size for path in spool.rglob("*.chunks")) // (CHUNK * 2 + 32)
        now = (time.monotonic(), cpu_seconds(worker.pid), spooled)
        if spooled and first is None:
            first = now
        if first is not None and spooled >= CHUNKS:
            chunks = spooled - first[2]
            return chunks / (now[0] - first[0]), 1e6 * (now[1] - first[1]) / chunks
        time.sleep(0.002)
    raise TimeoutError(f"the worker did not drain {CHUNKS} chunks in {_WITHIN_S:g} s")


def _client(account: Credentials) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=account.username, clean_session=False)
    client.username_pw_set(account.username, account.password)
    client.max_inflight_messages_set(200)
    return client
