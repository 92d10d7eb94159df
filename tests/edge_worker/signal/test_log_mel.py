"""Log-mel spectrogram, mel scale and filter bank, compared with librosa."""

import importlib
import sys

import librosa
import numpy as np
import pytest

from edge_worker.signal import fourier
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import HEART_LOG_MEL, LogMelParameters, log_mel
from edge_worker.signal.mel_scale import mel_filter_bank, mel_frequencies

PARAMETERS = [
    HEART_LOG_MEL,
    LogMelParameters(sample_rate=4000, n_fft=256, hop_length=64, n_mels=32, fmin=25, fmax=2000),
    LogMelParameters(sample_rate=16000, n_fft=1024, hop_length=320, n_mels=64, fmin=0, fmax=8000),
]
MAX_ERROR_DB = 1e-3
MAX_ERROR_FILTER = 1e-7


def noise(seconds: float, rate: int, seed: int = 0) -> Float32Array:
    """Return noise that rises from inaudible to full scale."""
    samples = round(seconds * rate)
    random = np.random.default_rng(seed).normal(size=samples)
    return (0.3 * random * np.geomspace(1e-4, 1, samples)).astype(np.float32)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_log_mel_equals_librosa(parameters: LogMelParameters) -> None:
    samples = noise(3.3, parameters.sample_rate)
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=parameters.sample_rate,
        n_fft=parameters.n_fft,
        hop_length=parameters.hop_length,
        n_mels=parameters.n_mels,
        fmin=parameters.fmin,
        fmax=parameters.fmax,
        center=False,
    )
    expected = librosa.power_to_db(power, ref=1.0, top_db=None).T

    spectrogram = log_mel(samples, parameters)

    assert spectrogram.dtype == np.float32
    assert spectrogram.shape == expected.shape == (parameters.frame_count(3.3), parameters.n_mels)
    np.testing.assert_allclose(spectrogram, expected, atol=MAX_ERROR_DB)


def test_numpy_transforms_where_scipy_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the image of the history API."""
    samples = noise(3.3, HEART_LOG_MEL.sample_rate)
    by_scipy = log_mel(samples, HEART_LOG_MEL)
    monkeypatch.setitem(sys.modules, "scipy.fft", None)
    try:
        numpys = importlib.reload(fourier)
        monkeypatch.setattr("edge_worker.signal.log_mel.rfft", numpys.rfft)
        assert numpys.rfft is np.fft.rfft
        assert [numpys.next_fast_len(target, real=True) for target in (7, 8, 9)] == [8, 8, 16]
        np.testing.assert_allclose(log_mel(samples, HEART_LOG_MEL), by_scipy, atol=MAX_ERROR_DB)
    finally:
        monkeypatch.undo()
        importlib.reload(fourier)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_filter_bank_equals_librosa(parameters: LogMelParameters) -> None:
    expected = librosa.filters.mel(
        sr=parameters.sample_rate,
        n_fft=parameters.n_fft,
        n_mels=parameters.n_mels,
        fmin=parameters.fmin,
        fmax=parameters.fmax,
    )

    bank = mel_filter_bank(
        parameters.sample_rate, parameters.n_fft, parameters.n_mels, parameters.fmin, parameters.fmax
    )

    np.testing.assert_allclose(bank.T, expected, atol=MAX_ERROR_FILTER)


@pytest.mark.parametrize("fmax", [800, 8000])
def test_mel_frequencies_equal_librosa(fmax: float) -> None:
    expected = librosa.mel_frequencies(n_mels=42, fmin=20, fmax=fmax)

    np.testing.assert_allclose(mel_frequencies(42, 20, fmax), expected)
