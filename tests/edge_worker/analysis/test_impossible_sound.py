"""Impossible sound: samples that no microphone gives, and sound that only looks odd."""

import csv
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from edge_worker.analysis.samples.companding import COMPANDED
from edge_worker.analysis.samples.impossible_sound import find_fault
from edge_worker.protocol.result import IMPOSSIBLE
from edge_worker.sound_files.sound_reader import read
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

Int16Array = npt.NDArray[np.int16]

RATE: Final = 16_000
HEART: Final = from_samples(synthesise("normal", 72, 4, RATE, 1), RATE).pcm[:, 0]
SIZE: Final = len(HEART)
WIDE: Final = from_samples(synthesise("normal", 72, 4, 44_100, 1), 44_100).pcm[:, 0]
RANDOM: Final = np.random.default_rng(1)


def interleaved(*channels: npt.NDArray[Any]) -> Int16Array:
    return np.stack(channels, axis=1).reshape(-1).astype(np.int16)


def bytes_as_samples(content: bytes) -> Int16Array:
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2")


def twice(samples: Int16Array, length: int) -> Int16Array:
    blocks = samples[: len(samples) // length * length].reshape(-1, length)
    return np.repeat(blocks, 2, axis=0).reshape(-1)


def packed_24_bit(samples: Int16Array) -> bytes:
    words = (samples.astype("<i4") << 8) | RANDOM.integers(0, 256, len(samples)).astype("<i4")
    return bytes(words.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes())


def companded(samples: Int16Array, table: npt.NDArray[np.float32]) -> bytes:
    """Return bytes as telephones send them: of each sample the byte that means about the same."""
    order = np.argsort(table)
    return bytes(order[np.searchsorted(table[order][:-1], samples)].astype(np.uint8).tobytes())


def blocks(samples: Int16Array, length: int) -> Int16Array:
    return samples[: len(samples) // (2 * length) * 2 * length].reshape(-1, length)


def every(blocks: Int16Array, nth: int, made: Int16Array) -> Int16Array:
    """Return blocks of which every n-th is another."""
    return np.where(np.arange(len(blocks))[:, None] % nth == nth - 1, made, blocks).reshape(-1)


ZEROS: Final = np.zeros_like(HEART)
FLOATS: Final = (HEART / 32768).astype("<f4")
IN_32_BITS: Final = (HEART.astype("<i4") << 16) + RANDOM.integers(0, 65_536, SIZE).astype("<i4")

FAULTS: dict[str, list[Int16Array]] = {
    "one_value": [ZEROS, np.full(SIZE, -1, np.int16), np.full(SIZE, 32_767, np.int16)],
    "counter": [
        np.arange(SIZE).astype(np.int16),
        (np.arange(SIZE) * 7 % 4096).astype(np.int16),
        (np.arange(SIZE) * 16).astype(np.uint16).view(np.int16),
        np.linspace(-30_000, 30_000, SIZE).astype(np.int16),
    ],
    "interleaved": [
        interleaved(HEART, ZEROS),
        interleaved(ZEROS, HEART),
        interleaved(HEART, RANDOM.integers(-1, 2, SIZE)),
        interleaved(ZEROS, HEART, ZEROS, ZEROS),
        interleaved(HEART, -HEART),
        interleaved(HEART, HEART // 2),
        interleaved(HEART, HEART + 800),
        interleaved(HEART, HEART * 0.95),
        interleaved(HEART * 0.7 + RANDOM.normal(0, 100, SIZE), HEART),
    ],
    "held_samples": [
        interleaved(HEART, HEART),
        np.repeat(HEART, 3),
        np.repeat(HEART[::16], 16),
        HEART[np.arange(2 * SIZE) * 160 // 441],
    ],
    "repeated_blocks": [
        twice(HEART, 64),
        twice(HEART, 512),
        twice(HEART, 1000),
        np.tile(HEART[4000:4512], SIZE // 512),
    ],
    "wrong_format": [
        HEART.byteswap(),
        bytes_as_samples(HEART.tobytes()[1:]),
        HEART ^ np.int16(-32_768),
        bytes_as_samples(((HEART >> 8) + 128).astype(np.uint8).tobytes()),
        bytes_as_samples(FLOATS.tobytes()),
        bytes_as_samples(IN_32_BITS.tobytes()),
        bytes_as_samples(packed_24_bit(HEART)),
        bytes_as_samples((HEART >> 7).astype(np.int8).tobytes()),
        bytes_as_samples((HEART.astype("<i4") << 8).tobytes()),
        bytes_as_samples(IN_32_BITS.byteswap().tobytes()),
        *(bytes_as_samples(companded(WIDE, table)) for table in COMPANDED),
    ],
    "no_sound": [
        bytes_as_samples(("\n".join(map(str, HEART)) + "\n").encode()),
        bytes_as_samples(zlib.compress(RANDOM.bytes(2 * SIZE))),
    ],
    "wrapped": [HEART * np.int16(8), HEART * np.int16(5)],
    "one_sided": [np.abs(HEART), np.maximum(HEART, 0), -np.abs(HEART)],
    "broken_blocks": [
        every(blocks(HEART, 512), 2, np.zeros(512, np.int16)),
        every(blocks(HEART, 128), 12, np.roll(blocks(HEART, 128), 3, axis=0)),
        blocks(HEART, 512)[::2].reshape(-1),
        blocks(HEART, 240).reshape(-1, 2, 240)[:, ::-1].reshape(-1),
        blocks(HEART, 256)[:, ::-1].reshape(-1),
    ],
    "stuck_bit": [HEART | np.int16(32), HEART & np.int16(~512)],
}

TIME: Final = np.arange(SIZE) / RATE
SOUND: dict[str, Int16Array] = {
    "a heart": HEART,
    "8 bits": (HEART >> 8) << 8,
    "8 bits, other factors": (HEART >> 8) * np.int16(100),
    "8 bits, both bytes": (HEART >> 8) * np.int16(257) // 2,
    "hardly any bits": (HEART >> 12) << 12,
    "quiet": HEART // 1000,
    "resampled": soxr.resample(HEART, RATE, 44_100),
    "8 bits, resampled": soxr.resample((HEART >> 8) << 8, 8_000, RATE),
    "interpolated": np.interp(np.arange(2 * SIZE - 1) / 2, np.arange(SIZE), HEART).astype(np.int16),
    "padded with silence": np.concatenate((ZEROS, HEART, ZEROS)),
    "three values, bytes alike": RANDOM.integers(-1, 2, SIZE).astype(np.int16) * np.int16(0x2328),
    "8 bits, the same byte twice": (HEART >> 8) * np.int16(257),
    "8 bits, decoded": COMPANDED[0][np.frombuffer(companded(HEART, COMPANDED[0]), np.uint8)].astype(np.int16),
    "with the contact lost twice": np.where(np.arange(SIZE) // 20_000 % 2, HEART, HEART // 100),
    "with steps of an offset": (HEART + np.arange(SIZE) // 8_000 % 2 * 6_000).astype(np.int16),
    "with a drift": (HEART / 2 + np.linspace(-15_000, 15_000, SIZE)).astype(np.int16),
    "noise, interpolated": np.interp(
        np.arange(2 * SIZE - 1) / 2, np.arange(SIZE), RANDOM.normal(0, 5000, SIZE)
    ).astype(np.int16),
    "noise, far too loud": np.clip(RANDOM.normal(0, 60_000, SIZE), -32_768, 32_767).astype(np.int16),
    "far too loud": np.clip(HEART.astype(int) * 50, -32_768, 32_767).astype(np.int16),
    "with an offset": (HEART // 4 + 20_000).astype(np.int16),
    "a computed tone": (10_000 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.int16),
    "a square": np.where(np.sin(2 * np.pi * 440 * TIME) > 0, 20_000, -20_000).astype(np.int16),
    "noise": RANDOM.normal(0, 5000, SIZE).astype(np.int16),
    "the noise of a converter": RANDOM.integers(-1, 2, SIZE).astype(np.int16),
    "played in a loop": np.tile(HEART, 3),
    "shorter than can be judged": ZEROS[:100],
}


@pytest.mark.parametrize(
    ("reason", "number"), [(reason, n) for reason, each in FAULTS.items() for n in range(len(each))]
)
def test_impossible_samples_have_their_reason(reason: str, number: int) -> None:
    assert find_fault(FAULTS[reason][number]) == reason


def test_every_reason_has_examples() -> None:
    assert set(FAULTS) == set(IMPOSSIBLE) - {"wrong_rate", "split_channel"}, "a channel does not tell"


@pytest.mark.parametrize("kind", SOUND)
def test_odd_sound_is_not_impossible(kind: str) -> None:
    assert find_fault(SOUND[kind]) is None


MAKE: dict[str, Callable[[Int16Array], Int16Array]] = {
    "as it is": lambda pcm: pcm,
    "8 bits": lambda pcm: (pcm >> 8) << 8,
    "resampled": lambda pcm: soxr.resample(pcm, 2_000, 5_500),
}


@pytest.mark.parametrize(
    "folder", ["circor", "physionet2016", "pascal-heart", "bmd-hs", "esc50", "urbansound8k", "fsdd"]
)
def test_no_real_recording_is_impossible(datasets: Path, folder: str) -> None:
    with (datasets / folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = rows[:: max(1, len(rows) // 40)]
    for row in chosen:
        pcm, _ = read(datasets / folder / row["file"])
        for kind, make in MAKE.items():
            made = make(pcm[:, 0])
            assert made.min() == made.max() or find_fault(made) is None, (row["file"], kind)
