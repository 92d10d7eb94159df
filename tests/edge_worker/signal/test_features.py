"""Features against their definition (librosa) and against every input that there can be."""

import librosa
import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_worker.signal.features import (
    HEART_LOG_MEL,
    TOP_DB,
    Float32Array,
    LogMelParameters,
    Signal,
    log_mel,
    mel_filter_bank,
    mfcc,
    normalise,
    trim,
    windows,
)

PARAMETERS = [
    HEART_LOG_MEL,
    LogMelParameters(sample_rate=4000, n_fft=256, hop_length=64, n_mels=32, fmin=25, fmax=2000),
    LogMelParameters(sample_rate=16000, n_fft=1024, hop_length=320, n_mels=64, fmin=0, fmax=8000),
]
MAX_ERROR_DB = 1e-3
MAX_ERROR_FILTER = 1e-7


def noise(seconds: float, rate: int, seed: int = 0) -> Float32Array:
    """Noise that rises from inaudible to full scale."""
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

    found = log_mel(samples, parameters)

    assert found.dtype == np.float32
    assert found.shape == expected.shape == (parameters.frame_count(3.3), parameters.n_mels)
    np.testing.assert_allclose(found, expected, atol=MAX_ERROR_DB)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_filter_bank_equals_librosa(parameters: LogMelParameters) -> None:
    expected = librosa.filters.mel(
        sr=parameters.sample_rate,
        n_fft=parameters.n_fft,
        n_mels=parameters.n_mels,
        fmin=parameters.fmin,
        fmax=parameters.fmax,
    )

    np.testing.assert_allclose(mel_filter_bank(parameters).T, expected, atol=MAX_ERROR_FILTER)


ANY_PCM = hnp.arrays(
    np.int16,
    st.one_of(
        st.tuples(st.integers(0, 3000)),
        st.tuples(st.integers(0, 3000), st.integers(1, 2)),
    ),
    elements=st.sampled_from([0, 1, -1, 32767, -32768, 12345]),
    fill=st.sampled_from([0, 32767, -32768]),
)


@given(pcm=ANY_PCM, rate=st.sampled_from([2000, 4000, 8000, 44100]))
def test_any_pcm_gives_finite_normalised_windows(pcm: np.ndarray, rate: int) -> None:
    cut = windows(Signal.from_pcm(pcm, rate).features(HEART_LOG_MEL), 196, 50)

    normal = normalise(cut)

    assert normal.shape == cut.shape
    assert normal.dtype == np.float32
    assert np.isfinite(normal).all()
    assert np.abs(normal.mean(axis=(1, 2))).max() < 1e-3
    assert (normal.max(axis=(1, 2)) - normal.min(axis=(1, 2))).max() <= TOP_DB + 1e-3


@given(gain=st.floats(0.05, 1.0))
def test_gain_changes_nothing_after_normalisation(gain: float) -> None:
    samples = np.random.default_rng(1).normal(size=8000).astype(np.float32) * 0.2

    quiet, loud = (normalise(log_mel(s, HEART_LOG_MEL)) for s in (samples * np.float32(gain), samples))

    np.testing.assert_allclose(quiet, loud, atol=1e-3)


@given(frames=st.integers(1, 700), length=st.integers(1, 250), hop=st.integers(1, 100))
def test_windows_cover_the_recording(frames: int, length: int, hop: int) -> None:
    spectrogram = np.arange(frames, dtype=np.float32)[:, np.newaxis].repeat(2, axis=1)

    cut = windows(spectrogram, length, hop)

    starts = cut[:, 0, 0].astype(int)
    assert cut.shape[1:] == (length, 2)
    assert starts[0] == 0
    assert (np.diff(starts) <= hop).all()
    if frames >= length:
        assert starts[-1] == frames - length
        np.testing.assert_array_equal(cut[-1], spectrogram[-length:])
    else:
        np.testing.assert_array_equal(cut[0, :, 0], np.arange(length) % frames)


def test_channels_are_averaged() -> None:
    left, right = np.array([32767, 100, -32768], np.int16), np.array([32767, 200, -32768], np.int16)

    signal = Signal.from_pcm(np.stack([left, right], axis=1), 4000)

    np.testing.assert_allclose(signal.samples * 32768, [32767, 150, -32768])
    assert signal.duration_s == 3 / 4000


def test_a_recording_is_resampled_and_transformed_once() -> None:
    signal = Signal.from_pcm(np.arange(-20000, 20000, dtype=np.int16), 44100)

    assert signal.resampled(2000) is signal.resampled(2000)
    assert signal.resampled(44100) is signal.samples
    assert signal.features(HEART_LOG_MEL) is signal.features(LogMelParameters(2000, 200, 40, 40, 20, 800))


def test_resampling_keeps_what_models_hear() -> None:
    rate, tone_hz = 44100, 150
    samples = np.sin(2 * np.pi * tone_hz * np.arange(4 * rate) / rate).astype(np.float32)
    best = soxr.resample(samples, rate, 2000, quality="VHQ")

    found = Signal(samples, rate).resampled(2000)

    assert found.shape == best.shape
    np.testing.assert_allclose(found[200:-200], best[200:-200], atol=1e-3)


@pytest.mark.parametrize(("shape", "rate"), [((3, 2), 4000), ((3,), 0)])
def test_a_signal_that_is_none_is_refused(shape: tuple[int, ...], rate: int) -> None:
    with pytest.raises(ValueError, match="mono"):
        Signal(np.zeros(shape, dtype=np.float32), rate)


@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_mfcc_equals_librosa(n_mfcc: int) -> None:
    decibel = log_mel(noise(2.0, 16000), PARAMETERS[2])

    expected = librosa.feature.mfcc(S=decibel.T, n_mfcc=n_mfcc).T

    np.testing.assert_allclose(mfcc(decibel, n_mfcc), expected, atol=1e-2, rtol=1e-5)


def test_a_short_sound_is_repeated_or_stands_in_silence() -> None:
    frames = np.arange(8, dtype=np.float32).reshape(4, 2)

    repeated, silent = (windows(frames, 7, 1, pad)[0] for pad in ("repeat", "silence"))

    np.testing.assert_array_equal(repeated[:, 0], [0, 2, 4, 6, 0, 2, 4])
    np.testing.assert_array_equal(silent[:, 0], [7 - TOP_DB, 0, 2, 4, 6, 7 - TOP_DB, 7 - TOP_DB])


def test_quiet_ends_are_trimmed_and_something_is_left() -> None:
    frames = np.full((6, 3), -90.0, dtype=np.float32)
    assert len(trim(frames, 30)) == 6, "all of it is as loud as the loudest"
    frames[[1, 4]] = (-20.0, -60.0, -20.0)

    np.testing.assert_array_equal(trim(frames, 30), frames[1:5])
