"""The first convolution over blocks says the same, in float and in int8."""

import numpy as np
import pytest

pytestmark = pytest.mark.training
pytest.importorskip("tensorflow")

import keras  # noqa: E402

from edge_worker.inference.interpreter import ModelInterpreter  # noqa: E402
from models_tflite.training.networks import conversion, convolutional_network, space_to_depth  # noqa: E402


def untrained(frames: int, bands: int) -> keras.Model:
    """Return a network whose normalisations are not those that do nothing."""
    keras.utils.set_random_seed(1)
    model = convolutional_network.build(
        frames, bands, 5, widths=(8, 16), strided_layers=(0,), dropout=0.1, separable=False
    )
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, part.shape) for part in layer.get_weights()])
    return model


def seen(frames: int, bands: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(40, frames, bands)).astype(np.float32)


@pytest.mark.parametrize(("frames", "bands"), [(98, 64), (10, 8), (2, 4)])
def test_blocks_say_the_same(frames: int, bands: int) -> None:
    model, windows = untrained(frames, bands), seen(frames, bands)
    over_blocks = space_to_depth.with_space_to_depth(model)
    assert over_blocks is not model
    np.testing.assert_allclose(
        over_blocks.predict(windows, verbose=0), model.predict(windows, verbose=0), atol=1e-4
    )


@pytest.mark.parametrize(("frames", "bands"), [(61, 64), (98, 62)])
def test_windows_that_are_not_whole_blocks_stay_as_they_are(frames: int, bands: int) -> None:
    model = untrained(frames, bands)
    assert space_to_depth.with_space_to_depth(model) is model


def test_a_network_that_begins_otherwise_stays_as_it_is() -> None:
    window = keras.Input((98, 64))
    model = keras.Model(window, keras.layers.Dense(3)(keras.layers.Flatten()(window)))
    assert space_to_depth.with_space_to_depth(model) is model


def test_int8_says_what_the_float_network_says() -> None:
    model, windows = untrained(98, 64), seen(98, 64)
    said = ModelInterpreter(conversion.to_int8(model, windows)).run(windows)
    meant = model.predict(windows, verbose=0)
    assert np.abs(said - meant).max() < 0.05 * np.ptp(meant)
