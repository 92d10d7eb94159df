"""Heard sound: which of two channels is analysed, and whether it can be sound."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from edge_worker.analysis.samples.heard_sound import HeardSound
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

Int16Array = npt.NDArray[np.int16]

RATE: Final = 4000
HEART: Final = from_samples(synthesise("normal", 72, 6, RATE, 1), RATE).pcm[:, 0]
SILENCE: Final = np.zeros_like(HEART)
NOISE: Final = np.random.default_rng(1).normal(0, 3000, len(HEART)).astype(np.int16)
COUNTER: Final = np.arange(len(HEART)).astype(np.int16)


def hear(left: Int16Array, right: Int16Array, *, is_heart: bool = True) -> HeardSound:
    return HeardSound.of(np.stack([left, right], axis=1), RATE, is_heart=is_heart)


@pytest.mark.parametrize(
    ("left", "right", "channel"),
    [
        (HEART, HEART, None),
        (HEART, HEART // 2, None),
        (HEART, -HEART, "left"),
        (HEART // 2, -HEART, "right"),
        (SILENCE, HEART, "right"),
        (HEART, SILENCE, "left"),
        (HEART, COUNTER, "left"),
        (NOISE, HEART, "right"),
    ],
)
def test_a_channel_is_heard_alone_where_the_mean_is_clearly_worse(
    left: Int16Array, right: Int16Array, channel: str | None
) -> None:
    heard = hear(left, right)
    assert (heard.channel, heard.fault) == (channel, None)
    if channel is not None:
        expected = {"left": left, "right": right}[channel]
        assert np.array_equal(heard.signal.samples, expected.astype(np.float32) / 32_768)


WIDE: Final = from_samples(synthesise("normal", 72, 6, 16_000, 1), 16_000).pcm[:, 0]


def test_one_channel_that_is_declared_as_two_is_no_sound() -> None:
    assert hear(WIDE[0::2], WIDE[1::2]).fault == "split_channel"
    assert hear(HEART[0::2], HEART[1::2], is_heart=False).fault == "split_channel"


@pytest.mark.parametrize(
    "right",
    [
        WIDE,
        np.roll(WIDE, 1),
        (WIDE * 0.97).astype(np.int16),
        WIDE + NOISE[0] // 1000,
        WIDE + np.random.default_rng(2).normal(0, 30, len(WIDE)).astype(np.int16),
        soxr.resample(WIDE, 16_000, 32_000)[1::2][: len(WIDE)] * 9 // 10,
    ],
)
def test_two_microphones_are_no_split_channel(right: Int16Array) -> None:
    assert hear(WIDE, right).fault is None


def test_other_sounds_are_judged_by_what_cancels_out_only() -> None:
    assert hear(NOISE, -NOISE, is_heart=False).channel == "left"
    assert hear(NOISE, HEART, is_heart=False).channel is None


def test_a_fault_of_both_channels_is_told_and_a_silent_one_does_not_hide_it() -> None:
    assert hear(COUNTER, COUNTER).fault == "counter"
    assert hear(SILENCE, COUNTER).fault == "counter"
    assert hear(SILENCE, SILENCE).fault == "one_value"


def test_zeros_in_place_of_missing_samples_are_no_fault() -> None:
    silence = SILENCE.reshape(-1, 1)
    assert HeardSound.of(silence, RATE, is_heart=True).fault == "one_value"
    assert HeardSound.of(silence, RATE, is_heart=True, has_gaps=True).fault is None


def test_blocks_of_zeros_are_a_fault_unless_they_are_known_to_be_missing() -> None:
    with_gaps = np.where(np.arange(len(HEART)) // 64 % 2, HEART, 0).astype(np.int16).reshape(-1, 1)
    assert HeardSound.of(with_gaps, RATE, is_heart=True).fault == "broken_blocks"
    assert HeardSound.of(with_gaps, RATE, is_heart=True, has_gaps=True).fault is None


def test_samples_are_judged_before_they_are_amplified() -> None:
    quiet = (HEART // 500).reshape(-1, 1)
    heard = HeardSound.of(quiet, RATE, 100, is_heart=True)
    assert heard.fault is None
    assert np.abs(heard.signal.samples).max() == pytest.approx(np.abs(quiet).max() * 100 / 32_768)
