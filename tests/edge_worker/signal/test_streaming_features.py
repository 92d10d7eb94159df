"""Features of a stream, compared with those of the whole recording."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.log_mel import HEART_LOG_MEL, LogMelParameters
from edge_worker.signal.nrdt import NrdtParameters
from edge_worker.signal.streaming_features import StreamingFeatures
from simulator.sound.heart_sound import synthesise

ENVIRONMENT = LogMelParameters(sample_rate=16000, n_fft=1024, hop_length=400, n_mels=64, fmin=50, fmax=8000)


@settings(max_examples=20)
@given(size=st.integers(1, 5000), keep_s=st.floats(0.1, 5))
@pytest.mark.parametrize(
    "features",
    [
        HEART_LOG_MEL,
        replace(HEART_LOG_MEL, sample_rate=4000),
        ENVIRONMENT,
        NrdtParameters(16000, 1000, False),
    ],
)
def test_streamed_frames_equal_those_of_the_whole(
    features: FeatureParameters, size: int, keep_s: float
) -> None:
    sound = synthesise("normal", 72, 3, features.sample_rate, 1)
    streaming = StreamingFeatures(features, keep_s)
    for start in range(0, len(sound), size):
        streaming.push(sound[start : start + size])
    whole = features.transform(sound)
    assert streaming.end == len(whole)
    buffered = streaming.last(10**6)
    assert len(buffered) == min(len(whole), max(1, features.frame_count(keep_s)))
    np.testing.assert_allclose(buffered, whole[streaming.begin :], atol=1e-2)
    np.testing.assert_array_equal(streaming.window(streaming.begin + 1, 2), buffered[1:3])
