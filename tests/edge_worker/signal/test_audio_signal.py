"""Mono signal: averaging of channels, and caching of resampled audio and features."""

import numpy as np
import pytest
import soxr

from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL, LogMelParameters


def test_channels_are_averaged() -> None:
    left, right = np.array([32767, 100, -32768], np.int16), np.array([32767, 200, -32768], np.int16)

    signal = Signal.from_pcm(np.stack([left, right], axis=1), 4000)

    np.testing.assert_allclose(signal.samples * 32768, [32767, 150, -32768])
    assert signal.duration_s == 3 / 4000


def test_resampled_audio_and_features_are_cached() -> None:
    signal = Signal.from_pcm(np.arange(-20000, 20000, dtype=np.int16), 44100)

    assert signal.resampled(2000) is signal.resampled(2000)
    assert signal.resampled(44100) is signal.samples
    assert signal.features(HEART_LOG_MEL) is signal.features(LogMelParameters(2000, 200, 40, 40, 20, 800))


def test_resampling_keeps_the_band_of_heart_sounds() -> None:
    rate, tone_hz = 44100, 150
    samples = np.sin(2 * np.pi * tone_hz * np.arange(4 * rate) / rate).astype(np.float32)
    best = soxr.resample(samples, rate, 2000, quality="VHQ")

    resampled = Signal(samples, rate).resampled(2000)

    assert resampled.shape == best.shape
    np.testing.assert_allclose(resampled[200:-200], best[200:-200], atol=1e-3)


@pytest.mark.parametrize(("shape", "rate"), [((3, 2), 4000), ((3,), 0)])
def test_invalid_shape_or_rate_is_refused(shape: tuple[int, ...], rate: int) -> None:
    with pytest.raises(ValueError, match="mono"):
        Signal(np.zeros(shape, dtype=np.float32), rate)
