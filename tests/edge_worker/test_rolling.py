"""Features as they come, held to those of the whole sound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.features import HEART, Features, LogMelParameters, Signal
from edge_worker.nrdt import NrdtParameters
from edge_worker.rolling import Resampler, RollingFrames
from simulator.heart_sound import synthesise

ENVIRONMENT = LogMelParameters(sample_rate=16000, n_fft=1024, hop_length=400, n_mels=64, fmin=50, fmax=8000)


@pytest.mark.parametrize("rate", [44100, 48000, 16000, 8000, 4000, 2000, 22050, 44117, 1000])
@pytest.mark.parametrize("size", [8192, 1500, 37])
def test_sound_resampled_as_it_comes_is_that_of_the_whole(rate: int, size: int) -> None:
    sound = synthesise("murmur", 72, 3, rate, 2)
    resampler = Resampler(rate, 2000)
    parts = [resampler.push(sound[start : start + size]) for start in range(0, len(sound), size)]
    late = len(sound) / rate - sum(map(len, parts)) / 2000
    assert late <= 0.13, "a hint must not be older than the sound it is about"
    found = np.concatenate([*parts, resampler.flush()])
    whole = Signal(sound, rate).at(2000)
    assert abs(len(found) - len(whole)) <= 20
    length = min(len(found), len(whole))
    # Where rates share no short period a seam lies between two samples.
    limit = 0.01 if rate != 44117 else 0.05
    assert np.abs(found[:length] - whole[:length]).max() < limit * np.abs(whole).max()


@settings(max_examples=20)
@given(size=st.integers(1, 5000), keep_s=st.floats(0.1, 5))
@pytest.mark.parametrize(
    "features", [HEART, replace(HEART, sample_rate=4000), ENVIRONMENT, NrdtParameters(16000, 1000, False)]
)
def test_frames_as_they_come_are_those_of_the_whole(features: Features, size: int, keep_s: float) -> None:
    sound = synthesise("normal", 72, 3, features.sample_rate, 1)
    rolling = RollingFrames(features, keep_s)
    for start in range(0, len(sound), size):
        rolling.push(sound[start : start + size])
    whole = features.of(sound)
    assert rolling.end == len(whole)
    kept = rolling.last(10**6)
    assert len(kept) == min(len(whole), max(1, features.frames(keep_s)))
    np.testing.assert_allclose(kept, whole[rolling.begin :], atol=1e-2)
    np.testing.assert_array_equal(rolling.window(rolling.begin + 1, 2), kept[1:3])
