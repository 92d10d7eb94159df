"""State contrasts see a murmur and not the device."""

import numpy as np
import pytest

from edge_worker.inference.state_contrasts import NUMBERS, PAIRS, state_contrasts
from edge_worker.signal.device_spectrum import DEPTH_DB, device_spectrum
from edge_worker.signal.device_spectrum import NUMBERS as SPECTRUM_NUMBERS

FRAMES, BANDS = 196, 40
SYSTOLE = 1


def heart(murmur_db: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a window in dB (1, frames, bands) and its states (1, frames, 4), one after the other."""
    random = np.random.default_rng(seed)
    state = np.repeat(np.tile([0, 1, 2, 3], 7), 7)[:FRAMES]
    level = np.array([-10.0, -35.0 + murmur_db, -15.0, -35.0])[state]
    window = level[:, None] - 0.3 * np.arange(BANDS) + random.normal(0, 1, (FRAMES, BANDS))
    return window[None].astype(np.float32), np.eye(4, dtype=np.float32)[state][None]


def test_gain_and_frequency_response_cancel_out() -> None:
    window, states = heart()
    response = np.linspace(-8, 6, BANDS, dtype=np.float32) + 12

    same = state_contrasts(window + response, states)

    assert same.shape == (1, NUMBERS)
    assert same == pytest.approx(state_contrasts(window, states), abs=0.01)


def test_a_murmur_raises_systole_against_the_other_states() -> None:
    window, states = heart()
    murmur, _ = heart(murmur_db=12)

    change = (state_contrasts(murmur, states) - state_contrasts(window, states))[0]

    differences = change[: len(PAIRS) * BANDS].reshape(len(PAIRS), BANDS).mean(axis=1)
    for (first, second), of_pair in zip(PAIRS, differences, strict=True):
        assert of_pair == pytest.approx(12 * ((first == SYSTOLE) - (second == SYSTOLE)), abs=0.2)


def test_a_window_without_some_state_has_finite_contrasts() -> None:
    window, _ = heart()
    only_diastole = np.tile(np.eye(4, dtype=np.float32)[3], (1, FRAMES, 1))

    assert np.isfinite(state_contrasts(window, only_diastole)).all()
    assert np.isfinite(state_contrasts(np.full_like(window, -100), only_diastole)).all()


def test_a_device_spectrum_ignores_gain_and_shows_response_and_noise() -> None:
    frames = heart()[0][0]

    assert device_spectrum(frames).shape == (SPECTRUM_NUMBERS,)
    assert device_spectrum(frames + 20) == pytest.approx(device_spectrum(frames), abs=1e-4)
    assert np.abs(device_spectrum(frames + np.linspace(0, 20, BANDS)) - device_spectrum(frames)).max() > 3
    assert np.ptp(device_spectrum(np.where(frames > -20, frames, -200))) < 2 * DEPTH_DB
