"""NRDT features, compared with their definition (row C2 of the features of the source systems)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.nrdt import NrdtParameters, delays, nrdt

AT_44100 = NrdtParameters(sample_rate=44_100, window=1000, relative=False)


def by_definition(x: Float32Array, d: int, relative: bool) -> float:
    """Return one value by the definition, sample by sample."""
    terms = []
    for t in range(d, len(x) - d):
        difference = abs(float(x[t - d]) + float(x[t + d]) - 2 * float(x[t]))
        size = abs(float(x[t - d])) + abs(float(x[t + d])) + 2 * abs(float(x[t]))
        terms.append((difference / size if size else 0.0) if relative else difference / 4)
    return float(np.mean(terms))


@pytest.mark.parametrize("relative", [False, True])
def test_c2_nrdt_follows_its_definition(relative: bool) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, 2700).astype(np.float32)

    features = nrdt(samples, NrdtParameters(44_100, 1000, relative))

    assert features.shape == (2, 11)
    assert features.dtype == np.float32
    expected = [
        [by_definition(samples[1000 * k : 1000 * (k + 1)], d, relative) for d in delays(1000)] for k in (0, 1)
    ]
    np.testing.assert_allclose(features, expected, rtol=1e-4)


def test_c2_delays_are_at_most_a_quarter_of_the_window() -> None:
    assert delays(1000) == (2, 4, 8, 16, 20, 32, 50, 64, 100, 128, 200)
    assert delays(1200)[-1] == 300
    assert delays(7) == ()
    assert not NrdtParameters(44_100, 7, relative=False).is_valid()
    assert not NrdtParameters(0, 1000, relative=False).is_valid()
    assert AT_44100.is_valid()


def test_values_of_a_sine() -> None:
    """The second difference of a sine over d is 2 sin x (cos wd - 1); its mean size is 2/pi of the peak."""
    hz, rate = 441.0, 44_100
    samples = np.sin(2 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)

    features = nrdt(samples, AT_44100).mean(axis=0)

    expected = [(1 - np.cos(2 * np.pi * hz * d / rate)) / np.pi for d in delays(1000)]
    np.testing.assert_allclose(features, expected, rtol=0.02, atol=1e-4)


@given(
    hnp.arrays(np.float32, st.integers(0, 900), elements=st.floats(-1, 1, width=32)),
    st.booleans(),
    st.integers(8, 400),
)
def test_values_are_from_0_to_1(samples: Float32Array, relative: bool, window: int) -> None:
    parameters = NrdtParameters(8000, window, relative)

    features = nrdt(samples, parameters)

    assert features.shape == (max(1, len(samples) // window), parameters.bands)
    assert parameters.frame_count(len(samples) / 8000) == len(features)
    assert ((features >= 0) & (features <= 1 + 1e-5)).all()


def test_a_signal_caches_nrdt_in_decibels() -> None:
    signal = Signal(np.zeros(16_000, dtype=np.float32), 16_000)

    assert signal.features(AT_44100) is signal.features(NrdtParameters(44_100, 1000, relative=False))
    np.testing.assert_allclose(signal.features(AT_44100), -100, rtol=1e-6)
