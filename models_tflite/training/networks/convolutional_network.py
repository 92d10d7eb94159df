"""Convolutional network, depthwise-separable or plain, that takes a fraction of a millisecond in int8."""

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
    separable: bool = True,
) -> keras.Model:
    """Return an untrained model from windows (frames, bands) to logits (outputs).

    Depthwise-separable convolutions (Howard et al. 2017, MobileNets), or plain ones; those of
    `strided_layers` halve time and bands. A depthwise convolution then weighs the remaining bands of each
    channel, and time is averaged. Only operators in versions that tflite-runtime 2.14 has.
    """
    convolution = _separable if separable else _plain
    inputs = keras.Input((frames, bands))
    x = layers.Reshape((frames, bands, 1))(inputs)
    x = _activated(layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(x))
    for index, width in enumerate(widths[1:]):
        x = convolution(x, width, strides=2 if index in strided_layers else 1)
    x = _activated(layers.DepthwiseConv2D((1, x.shape[2]), use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(x))


def _separable(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    shortcut = x
    x = _activated(layers.DepthwiseConv2D((5, 3), strides=strides, padding="same", use_bias=False)(x))
    x = BatchNormalization(momentum=0.9)(layers.Conv2D(width, 1, use_bias=False)(x))
    if shortcut.shape == x.shape:
        x = layers.Add()([x, shortcut])
    return layers.ReLU()(x)


def _plain(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    return _activated(layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False)(x))


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(BatchNormalization(momentum=0.9)(x))
