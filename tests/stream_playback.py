"""Streams for tests: sound as chunks, sent in real time, and the clients that read what is published."""

import json
import time
import urllib.request
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from conftest import Client, Device, wait_until

from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from simulator.site.process import Process
from simulator.site.site import Site
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

RATE = 4000
ID = 0xABC
NAME = "0000000000000abc"
SETTINGS: Final = {
    "STETHO_GIVE_UP_S": "3",
    "STETHO_MISSING_AFTER_S": "0.2",
    "STETHO_STREAM_GAP_S": "0.6",
    "STETHO_STREAM_GIVE_UP_S": "3",
    "STETHO_STREAM_AUDIO_S": "10",
}
"""Short time-outs; ten seconds of sound are stored."""

Pcm = npt.NDArray[np.int16]


def heart(seconds: float, rate: int = RATE, bpm: float = 72) -> Pcm:
    return from_samples(synthesise("normal", bpm, seconds, rate, 1), rate).pcm


def stream(pcm: Pcm, *, last: bool = True, rate: int = RATE, recording_id: int = ID) -> list[Chunk]:
    size = rate // 5
    return [
        Chunk(
            codec.PCM,
            codec.STREAM | (codec.LAST if last and start + size >= len(pcm) else 0),
            1,
            rate,
            recording_id,
            start,
            min(size, len(pcm) - start),
            pcm[start : start + size].astype("<i2").tobytes(),
        )
        for start in range(0, len(pcm), size)
    ]


def meta(document: dict[str, Any], recording_id: int = ID, rate: int = RATE) -> Chunk:
    body = json.dumps(document).encode()
    return Chunk(codec.META, codec.STREAM, 1, rate, recording_id, 0, len(body), body)


def play(device: Device, chunks: list[Chunk], speed: float = 1.0) -> None:
    """Send chunks at the pace at which they would be recorded."""
    began = time.monotonic()
    for chunk in chunks:
        due = began + (chunk.end - chunks[0].first_sample) / chunk.sample_rate / speed
        time.sleep(max(0.0, due - time.monotonic()))
        device.send(chunk)


def live_values(device: Device) -> list[dict[str, Any]]:
    return device.documents(f"stetho/v1/device/{device.device_id}/down/live")


def operator_client(site: Site) -> Client:
    return Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/device/+/down/sounds")


def put(url: str, document: dict[str, Any]) -> None:
    request = urllib.request.Request(
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def change(worker: Process, api: str, device_id: str, settings: dict[str, Any]) -> None:
    """Change the settings of a device; wait until the worker follows: two changes at once are one to it."""
    before = worker.log.count("event=devices_changed")
    put(f"{api}/api/v1/devices/{device_id}/settings", settings)
    wait_until(lambda: worker.log.count("event=devices_changed") > before, "the worker to follow")


def get(url: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
