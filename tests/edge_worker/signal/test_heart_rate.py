"""Heart rate of synthesised hearts and of other sounds. For recordings see test_segments.py of training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.signal import heart_rate
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal


def heart(bpm: float, seconds: float = 8.0, rate: int = 4000, noise: float = 0.002) -> Float32Array:
    """Return S1 at 50 Hz, a softer and higher S2 at a third of the cycle, and background noise."""
    time = np.arange(round(seconds * rate)) / rate
    sound = noise * np.random.default_rng(0).normal(size=len(time))
    cycle = 60 / bpm
    systole = min(0.32, 0.4 * cycle)
    for beat in np.arange(0, seconds, cycle):
        for onset, pitch_hz, level in ((beat, 50, 0.5), (beat + systole, 75, 0.3)):
            after = time - onset
            sound += np.where(
                after > 0, level * np.exp(-after.clip(0) / 0.02) * np.sin(2 * np.pi * pitch_hz * after), 0
            )
    return sound.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(bpm=st.floats(40, 190))
def test_rate_of_a_synthesised_heart(bpm: float) -> None:
    bpm_estimated = heart_rate.estimate(Signal(heart(bpm), 4000))

    assert bpm_estimated == pytest.approx(bpm, abs=2)


def test_rate_does_not_depend_on_sample_rate() -> None:
    rates = [heart_rate.estimate(Signal(heart(72, rate=rate), rate)) for rate in (2000, 8000, 44100)]

    assert rates == pytest.approx([72, 72, 72], abs=1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds", [0.0, 0.5, 4.0, 8.0])
def test_noise_has_no_rate(seed: int, seconds: float) -> None:
    white = np.random.default_rng(seed).normal(size=round(seconds * 4000)).astype(np.float32) * 0.1

    assert heart_rate.estimate(Signal(white, 4000)) is None
    assert heart_rate.estimate(Signal(np.cumsum(white), 4000)) is None


def test_silence_hum_and_direct_current_have_no_rate() -> None:
    time = np.arange(16000, dtype=np.float32) / 4000
    for samples in (0 * time, 0.5 + 0 * time, 0.3 * np.sin(2 * np.pi * 50 * time)):
        assert heart_rate.estimate(Signal(samples.astype(np.float32), 4000)) is None
        assert heart_rate.strength(Signal(samples.astype(np.float32), 4000)) < heart_rate.MIN_STRENGTH


def test_cycle_of_tracks() -> None:
    """Two pulses per cycle of 40.5 frames, in different tracks."""
    time = np.arange(400)
    tracks = np.stack([np.exp(-(((time - lag) % 40.5 - 20) ** 2) / 8) for lag in (0, 18)], axis=1)

    length, height = heart_rate.find_cycle(tracks.astype(np.float32))

    assert length == pytest.approx(40.5, abs=0.1)
    assert height > 0.9


def test_constant_or_short_tracks_have_no_cycle() -> None:
    for frames in (1, 2, 10, 200):
        assert heart_rate.find_cycle(np.ones((frames, 4), dtype=np.float32)) == (0, 0)
    once = np.eye(200, 4, dtype=np.float32)
    assert heart_rate.find_cycle(once)[1] < heart_rate.MIN_STRENGTH
