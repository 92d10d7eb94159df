"""Stethoscopes that record or stream all the time, each on its own, as the simulator does."""

import random
import time
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.cluster.sent import Sent
from simulator.device.delivery import Delivery
from simulator.device.device import Device
from simulator.device.live_device import LiveDevice, Stream
from simulator.device.recording import Recording
from simulator.device.stethoscope import Stethoscope
from simulator.sound.audio_source import Block
from simulator.sound.sound_file import from_samples

RATE: Final = 8000
RECORDING_S: Final = 2.0
STREAM_S: Final = 8.0
CHUNK: Final = 2048


class Sender(Protocol):
    """What sends sound after sound."""

    stethoscope: Stethoscope

    def turn(self, now: float, *, may_begin: bool) -> Sent | None:
        """Send what is due; return a recording or stream that begins."""

    @property
    def is_busy(self) -> bool:
        """Whether a recording or stream goes on."""


class Recorder:
    """Records again and again, in real time; it does not wait for the answer."""

    def __init__(self, stethoscope: Stethoscope, chance: random.Random, every_s: float) -> None:
        self.stethoscope = stethoscope
        self._chance, self._every_s = chance, every_s
        self._next_at = time.monotonic() + chance.uniform(0, every_s)

    @property
    def is_busy(self) -> bool:
        """Whether a recording goes on."""
        return self.stethoscope.device.is_recording

    def turn(self, now: float, *, may_begin: bool) -> Sent | None:
        """Begin a recording, if one is due."""
        if not may_begin or now < self._next_at or self.is_busy:
            return None
        self._next_at = now + self._every_s
        sound = from_samples(_noise(self._chance, RECORDING_S), RATE)
        recording = Recording.from_sound(sound, self._chance.getrandbits(64), b"", CHUNK)
        recording = replace(recording, meta=b"{}")
        device: Device = self.stethoscope.device
        delivery = device.record(recording, now, in_real_time=True)
        self.stethoscope.send_due_messages()
        return Sent(device.device_id, delivery, bytes(recording.pcm), False)


class Streamer:
    """Streams again and again, in real time; the next stream begins when the last one is stored."""

    def __init__(self, stethoscope: Stethoscope, device: LiveDevice, chance: random.Random) -> None:
        self.stethoscope = stethoscope
        self._device, self._chance = device, chance
        self._stream: Stream | None = None
        self._delivery = Delivery("", 0, 0)
        self._began_at = 0.0
        self._pcm: NDArray[np.int16] = np.empty((0, 1), np.int16)

    @property
    def is_busy(self) -> bool:
        """Whether a stream goes on."""
        return self._stream is not None and not self._stream.is_over

    def turn(self, now: float, *, may_begin: bool) -> Sent | None:
        """Send the sound of the time since the last turn; begin a stream when the last one is over."""
        stream = self._stream
        if stream is None or self._is_answered:
            return self._begin(now) if may_begin else None
        if not stream.is_over:
            self._play(stream, now)
        elif stream.completeness is not None and self._delivery.stored_at is None:
            self._delivery.stored_at, self._delivery.completeness = now, stream.completeness
        if stream.result is not None:
            self._delivery.result, self._delivery.result_at = stream.result, now
        self.stethoscope.send_due_messages()
        return None

    @property
    def _is_answered(self) -> bool:
        return self._delivery.result_at is not None or self._delivery.stored_at is not None

    def _begin(self, now: float) -> Sent:
        self._pcm = from_samples(_noise(self._chance, STREAM_S), RATE).pcm
        self._stream = Stream(self._chance.getrandbits(64), RATE, 1, b"")
        self._began_at = now
        self._delivery = Delivery(self._stream.name, len(self._pcm), 0)
        self._device.begin(self._stream)
        return Sent(self._device.device_id, self._delivery, self._pcm.astype("<i2").tobytes(), True)

    def _play(self, stream: Stream, now: float) -> None:
        until = min(len(self._pcm), round((now - self._began_at) * RATE))
        for first in range(self._delivery.chunks * CHUNK, until - CHUNK + 1, CHUNK):
            self._device.push(Block(self._pcm[first : first + CHUNK], 0))
            self._delivery.chunks += 1
        if until == len(self._pcm):
            self._device.push(Block(self._pcm[self._delivery.chunks * CHUNK :], 0))
            self._device.end(now)
            self._delivery.last_sent_at = now


def _noise(chance: random.Random, seconds: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(chance.getrandbits(32)).uniform(-0.5, 0.5, round(RATE * seconds))
    return noise.astype(np.float32)
