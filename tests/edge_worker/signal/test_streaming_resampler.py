"""Streaming resampler, compared with resampling of the whole, and the response of its filters."""

import numpy as np
import pytest

from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.streaming_resampler import StreamingResampler
from simulator.sound.heart_sound import synthesise


@pytest.mark.parametrize("rate", [44100, 48000, 16000, 8000, 4000, 2000, 22050, 44117, 1000])
@pytest.mark.parametrize("size", [8192, 1500, 37])
def test_streamed_output_equals_that_of_the_whole(rate: int, size: int) -> None:
    sound = synthesise("murmur", 72, 3, rate, 2)
    resampler = StreamingResampler(rate, 2000)
    parts = [resampler.push(sound[start : start + size]) for start in range(0, len(sound), size)]
    latency_s = len(sound) / rate - sum(map(len, parts)) / 2000
    assert latency_s <= 0.13, "the preview must not lag behind the audio"
    streamed = np.concatenate([*parts, resampler.flush()])
    whole = Signal(sound, rate).resampled(2000)
    assert abs(len(streamed) - len(whole)) <= 20
    length = min(len(streamed), len(whole))
    # Where rates have no short common period, pieces meet between two samples.
    limit = 0.01 if rate != 44117 else 0.05
    assert np.abs(streamed[:length] - whole[:length]).max() < limit * np.abs(whole).max()


@pytest.mark.parametrize("rate", [48000, 44100, 22050, 16000, 8000, 4000])
@pytest.mark.parametrize("to_rate", [2000, 16000])
def test_passband_and_stopband(rate: int, to_rate: int) -> None:
    half = min(rate, to_rate) / 2
    for hz in np.linspace(20, 0.9 * half, 23):
        assert abs(_gain_db(rate, to_rate, hz)) < 0.05, (
            f"{hz:.0f} Hz of {rate} change their level at {to_rate} Hz"
        )
    for hz in np.linspace(half, rate / 2 - 1, 61) if rate > to_rate else []:
        assert _gain_db(rate, to_rate, hz) < -75, f"{hz:.0f} Hz of {rate} pass at {to_rate} Hz"


def _gain_db(rate: int, to_rate: int, hz: float) -> float:
    tone = np.sin(2 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
    output = StreamingResampler(rate, to_rate).push(tone)[to_rate // 8 : -to_rate // 8]
    return float(20 * np.log10(max(np.sqrt(2) * output.std(), 1e-9)))
