"""Residual network, too slow for the edge: a teacher of the network that ships."""

import keras
from keras import layers

from models_tflite.training.networks.batch_normalization import BatchNormalization


def build(
    frames: int,
    bands: int,
    outputs: int,
    *,
    widths: tuple[int, ...],
    strided_layers: tuple[int, ...],
    dropout: float,
) -> keras.Model:
    """Return an untrained model from windows (frames, bands) to logits (outputs).

    A convolution, then a residual block of two for each further width (He et al. 2016); the blocks of
    `strided_layers` halve time and bands. The last layers are those of `convolutional_network.build`.
    """
    inputs = keras.Input((frames, bands))
    x = layers.ReLU()(_convolved(layers.Reshape((frames, bands, 1))(inputs), widths[0], 5, strides=2))
    for index, width in enumerate(widths[1:]):
        x = _block(x, width, strides=2 if index in strided_layers else 1)
    x = layers.DepthwiseConv2D((1, x.shape[2]), use_bias=False)(x)
    x = layers.ReLU()(BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(x))


def _block(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    y = layers.ReLU()(_convolved(x, width, 3, strides))
    y = _convolved(y, width, 3)
    shortcut = layers.AveragePooling2D(strides, padding="same")(x) if strides > 1 else x
    if shortcut.shape[-1] != width:
        shortcut = _convolved(shortcut, width, 1)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def _convolved(x: keras.KerasTensor, width: int, size: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False)(x)
    return BatchNormalization(momentum=0.9)(x)
