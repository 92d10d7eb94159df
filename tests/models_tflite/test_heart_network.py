"""The network of the heart models: what it does not hear, and that it runs in int8."""

import numpy as np
import pytest

from edge_worker.network import Network

pytest.importorskip("tensorflow", reason="pip install -r requirements/training.txt")

import keras

from models_tflite.training import conversion, heart_network

pytestmark = [pytest.mark.training, pytest.mark.timeout(300)]

WINDOWS = np.random.default_rng(0).normal(0, 1, (40, 196, 40)).astype(np.float32)


def test_the_course_is_deaf_to_the_colour_of_a_microphone() -> None:
    inputs = keras.Input((196, 1, 40))
    course = keras.Model(inputs, heart_network._course(inputs, (8, 12, 12), (0,)))
    colour = np.linspace(-2, 2, 40, dtype=np.float32)

    plain, coloured = (
        course.predict(seen[:, :, np.newaxis], verbose=0) for seen in (WINDOWS, WINDOWS + colour)
    )

    np.testing.assert_allclose(plain, coloured, atol=1e-4)
    assert np.ptp(plain, axis=0).max() > 1e-3


def test_in_int8_it_gives_what_it_gave() -> None:
    keras.utils.set_random_seed(0)
    model = heart_network.build(196, 40, 3, widths=(8, 12, 12), halving=(0,), dropout=0.3)

    found = Network(conversion.to_int8(model, WINDOWS)).run(WINDOWS)

    expected = model.predict(WINDOWS, verbose=0)
    assert np.abs(found - expected).max() < 0.1 * np.ptp(expected)
