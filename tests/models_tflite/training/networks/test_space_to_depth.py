"""The first convolution over blocks gives the same outputs, in float and in int8."""

import numpy as np
import pytest

pytestmark = pytest.mark.training
pytest.importorskip("tensorflow")

import keras  # noqa: E402

from edge_worker.inference.interpreter import ModelInterpreter  # noqa: E402
from models_tflite.training.networks import conversion, convolutional_network, space_to_depth  # noqa: E402


def untrained(frames: int, bands: int) -> keras.Model:
    """Return a network whose batch normalisations are not the identity."""
    keras.utils.set_random_seed(1)
    model = convolutional_network.build(
        frames, bands, 5, widths=(8, 16), strided_layers=(0,), dropout=0.1, separable=False
    )
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, part.shape) for part in layer.get_weights()])
    return model


def random_windows(frames: int, bands: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(40, frames, bands)).astype(np.float32)


@pytest.mark.parametrize(("frames", "bands"), [(98, 64), (10, 8), (2, 4)])
def test_a_network_over_blocks_gives_the_same_outputs(frames: int, bands: int) -> None:
    model, windows = untrained(frames, bands), random_windows(frames, bands)
    over_blocks = space_to_depth.with_space_to_depth(model)
    assert over_blocks is not model
    np.testing.assert_allclose(
        over_blocks.predict(windows, verbose=0), model.predict(windows, verbose=0), atol=1e-4
    )


@pytest.mark.parametrize(("frames", "bands"), [(61, 64), (98, 62)])
def test_a_network_whose_window_is_not_whole_blocks_is_unchanged(frames: int, bands: int) -> None:
    model = untrained(frames, bands)
    assert space_to_depth.with_space_to_depth(model) is model


def test_a_network_with_another_first_layer_is_unchanged() -> None:
    window = keras.Input((98, 64))
    model = keras.Model(window, keras.layers.Dense(3)(keras.layers.Flatten()(window)))
    assert space_to_depth.with_space_to_depth(model) is model


def test_the_int8_network_gives_the_outputs_of_the_float_one_over_blocks() -> None:
    model, windows = untrained(98, 64), random_windows(98, 64)
    outputs = ModelInterpreter(conversion.to_int8(model, windows)).run(windows)
    expected = model.predict(windows, verbose=0)
    assert np.abs(outputs - expected).max() < 0.05 * np.ptp(expected)
