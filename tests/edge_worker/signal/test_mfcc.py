"""Mel-frequency cepstral coefficients, compared with librosa."""

import librosa
import numpy as np
import pytest

from edge_worker.signal.log_mel import LogMelParameters, log_mel, mfcc

SPEECH = LogMelParameters(sample_rate=16000, n_fft=1024, hop_length=320, n_mels=64, fmin=0, fmax=8000)


@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_mfcc_equals_librosa(n_mfcc: int) -> None:
    noise = np.random.default_rng(0).normal(size=32_000) * np.geomspace(3e-5, 0.3, 32_000)
    decibel = log_mel(noise.astype(np.float32), SPEECH)

    expected = librosa.feature.mfcc(S=decibel.T, n_mfcc=n_mfcc).T

    np.testing.assert_allclose(mfcc(decibel, n_mfcc), expected, atol=1e-2, rtol=1e-5)
