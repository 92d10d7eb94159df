"""Space-to-depth: the first convolution of a network over blocks of its window, in half the time.

An int8 kernel for eight channels works on the one channel of a spectrogram as if it were eight. Blocks of two
frames by four bands, as eight channels, waste nothing: 5 x 5 with stride 2 becomes 3 x 3 over blocks, which
gives two neighbouring outputs at once. Weights are moved, not changed.
"""

from typing import Final

import keras
import numpy as np
from keras import layers, ops

from edge_worker.signal.arrays import Float32Array

_FRAMES: Final = 2
_BANDS: Final = 4
_CHANNELS: Final = _FRAMES * _BANDS
_PLACES: Final = 2
"""Strides of 2 that fit into the bands of a block."""


def with_space_to_depth(model: keras.Model) -> keras.Model:
    """Return an equal network whose first convolution works on blocks; `model` itself where none fit."""
    if not _fits(model):
        return model
    _, _, convolution, normalisation, activated = model.layers[:5]
    frames, bands = model.input_shape[1:]
    rows, columns = frames // _FRAMES, bands // _BANDS
    weights, bias = _folded(convolution.get_weights()[0], normalisation)
    first = layers.Conv2D(_PLACES * len(bias), 3, padding="same", activation="relu")

    window = keras.Input((frames, bands))
    # Four dimensions, not five: the frames of a block stand in for a batch, which is 1 in the file.
    split = ops.transpose(ops.reshape(window, (-1, _FRAMES, columns, _BANDS)), (0, 2, 1, 3))
    blocks = first(ops.reshape(split, (-1, rows, columns, _CHANNELS)))
    places = ops.reshape(blocks, (-1, rows, _PLACES * columns, len(bias)))
    first.set_weights([_over_blocks(weights), np.tile(bias, _PLACES)])
    return keras.Model(window, keras.Model(activated.output, model.output)(places))


def _fits(model: keras.Model) -> bool:
    """Return whether a network begins with a convolution of 5 x 5, stride 2, over whole blocks."""
    kinds = (layers.InputLayer, layers.Reshape, layers.Conv2D, layers.BatchNormalization, layers.ReLU)
    frames, bands = model.input_shape[1:]
    return (
        len(model.layers) > len(kinds)
        and all(isinstance(layer, kind) for layer, kind in zip(model.layers, kinds, strict=False))
        and model.layers[2].kernel_size == (5, 5)
        and model.layers[2].strides == (2, 2)
        # "same" adds one frame before an even number of them, and two before an odd one.
        and frames % _FRAMES == 0
        and bands % _BANDS == 0
    )


def _folded(weights: Float32Array, normalisation: keras.Layer) -> tuple[Float32Array, Float32Array]:
    """Return weights (5, 5, 1, channels) and biases with the batch normalisation folded in."""
    gamma, beta, mean, variance = normalisation.get_weights()
    factor = gamma / np.sqrt(variance + normalisation.epsilon)
    return weights * factor, beta - mean * factor


def _over_blocks(weights: Float32Array) -> Float32Array:
    """Return weights (5, 5, 1, channels) over blocks: (3, 3, 8, 2 * channels).

    Output p of a block begins one frame before it and, of its bands, at 2 * p - 1.
    """
    channels = weights.shape[-1]
    moved = np.zeros((3 * _FRAMES, 3 * _BANDS, _PLACES, channels), dtype=np.float32)
    for place in range(_PLACES):
        band = _BANDS + 2 * place - 1
        moved[_FRAMES - 1 : _FRAMES + 4, band : band + 5, place] = weights[:, :, 0]
    blocks = moved.reshape(3, _FRAMES, 3, _BANDS, _PLACES * channels).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(blocks.reshape(3, 3, _CHANNELS, _PLACES * channels))
