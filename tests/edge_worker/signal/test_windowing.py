"""Windows of features: cutting, padding, trimming and normalisation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.log_mel import HEART_LOG_MEL, log_mel
from edge_worker.signal.windowing import TOP_DB, normalise, trim, windows

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
def test_normalised_windows_do_not_depend_on_gain(gain: float) -> None:
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


def test_a_short_sound_is_padded_by_repetition_or_silence() -> None:
    frames = np.arange(8, dtype=np.float32).reshape(4, 2)

    repeated, silent = (windows(frames, 7, 1, pad)[0] for pad in ("repeat", "silence"))

    np.testing.assert_array_equal(repeated[:, 0], [0, 2, 4, 6, 0, 2, 4])
    np.testing.assert_array_equal(silent[:, 0], [7 - TOP_DB, 0, 2, 4, 6, 7 - TOP_DB, 7 - TOP_DB])


def test_quiet_ends_are_trimmed() -> None:
    frames = np.full((6, 3), -90.0, dtype=np.float32)
    assert len(trim(frames, 30)) == 6, "every frame is as loud as the loudest"
    frames[[1, 4]] = (-20.0, -60.0, -20.0)

    np.testing.assert_array_equal(trim(frames, 30), frames[1:5])
