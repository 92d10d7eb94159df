"""Floods: what one device with a valid password may do to its neighbours. Each goes on until it is over."""

from collections.abc import Callable
from typing import Final

from bench.chaos.hostile_device import NAME, HostileDevice
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.chunk import GAP_BEFORE, LAST, MAX_BODY_BYTES, MAX_SAMPLES, STREAM

Flood = Callable[[HostileDevice], None]

_FULL: Final = bytes(MAX_BODY_BYTES)
_FULL_SAMPLES: Final = MAX_BODY_BYTES // 2


def whole_chunks(device: HostileDevice) -> None:
    """Largest chunks of valid recordings, as fast as the broker takes them."""
    while not device.is_over:
        number = device.number()
        for index in range(60):
            device.sound(number, index * _FULL_SAMPLES, _FULL, flags=LAST if index == 59 else 0)


def slow_streams(device: HostileDevice) -> None:
    """Streams at 1 kHz: each largest chunk is half a minute of sound to classify."""
    body = device.random.randbytes(MAX_BODY_BYTES)
    while not device.is_over:
        number = device.number()
        for index in range(200):
            device.sound(number, index * _FULL_SAMPLES, body, flags=STREAM, rate=1000)
            if device.is_over:
                return


def claimed_length(device: HostileDevice) -> None:
    """One sample that claims to be the last of 64 MiB."""
    while not device.is_over:
        for _ in range(4):
            device.sound(device.number(), 2**25 - 1, b"\1\0", flags=LAST | GAP_BEFORE, rate=192_000)
        device.pause(0.5)


def overlapping_chunks(device: HostileDevice) -> None:
    """Thousands of chunks of one sample, then chunks over all of them."""
    number = device.number()
    for first in range(0, 32_768, 2):
        device.sound(number, first, b"\0\0")
        if device.is_over:
            return
    while not device.is_over:
        device.sound(number, 0, _FULL)


def every_second_sample(device: HostileDevice) -> None:
    """Recordings with tens of thousands of gaps."""
    while not device.is_over:
        number = device.number()
        for first in range(0, 20_000, 2):
            device.sound(number, first, b"\0\0")
            if device.is_over:
                return
        device.sound(number, 40_000, b"\0\0", flags=LAST)


def open_recordings(device: HostileDevice) -> None:
    """Recordings that never end."""
    while not device.is_over:
        device.sound(device.number(), 0, bytes(200), rate=8000)


def open_streams(device: HostileDevice) -> None:
    """Streams that never end."""
    while not device.is_over:
        device.sound(device.number(), 0, bytes(16_000), flags=STREAM, rate=8000)
        device.pause(0.005)


def far_jumps(device: HostileDevice) -> None:
    """Streams whose next sound is four billion samples away."""
    while not device.is_over:
        number, rate = device.number(), device.random.choice((1000, 8000, 192_000))
        device.sound(number, 0, bytes(4000), flags=STREAM, rate=rate)
        device.sound(number, MAX_SAMPLES - 5000, bytes(4000), flags=STREAM, rate=rate)
        device.sound(number, MAX_SAMPLES - 2, b"\1\0", flags=STREAM | LAST, rate=rate)
        device.pause(0.1)


def odd_rates(device: HostileDevice) -> None:
    """Recordings at prime sample rates, whose resampling is dear."""
    body = device.random.randbytes(MAX_BODY_BYTES)
    while not device.is_over:
        rate = device.random.choice((1001, 1999, 7919, 11_027, 44_101, 99_991, 131_071, 191_999))
        number, chunks = device.number(), max(1, 5 * rate // _FULL_SAMPLES)
        for index in range(chunks):
            flags = LAST if index == chunks - 1 else 0
            device.sound(number, index * _FULL_SAMPLES, body, flags=flags, rate=rate)
        device.pause(0.2)


def rubbish(device: HostileDevice) -> None:
    """Random bytes instead of chunks."""
    while not device.is_over:
        for _ in range(100):
            device.publish(device.random.randbytes(40))
        device.pause(0.01)


def retained_rubbish(device: HostileDevice) -> None:
    """Large retained messages on ever new topics, and retained chunks."""
    body = device.random.randbytes(60_000)
    while not device.is_over:
        device.publish(body, f"{topics.pcm(NAME).rpartition('/')[0]}/x{device.messages}", retain=True)
        device.publish(body, retain=True)
        device.pause(0.01)


def growing_states(device: HostileDevice) -> None:
    """States with ever new keys."""
    while not device.is_over:
        extra = {f"k{device.messages}-{index}": "y" * 500 for index in range(110)}
        state = strict_json.write({"state": "online", "boot": "x", **extra})
        device.publish(state.encode(), topics.state(NAME))
        device.pause(0.01)


FLOODS: Final[tuple[Flood, ...]] = (
    *(whole_chunks, slow_streams, claimed_length, overlapping_chunks, every_second_sample, open_recordings),
    *(open_streams, far_jumps, odd_rates, rubbish, retained_rubbish, growing_states),
)
