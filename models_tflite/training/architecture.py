"""The network: a depthwise-separable CNN that takes one core a fraction of a millisecond in int8."""

from typing import Final

import keras
from keras import layers

HALVING: Final = (0, 1)
"""Separable layers that halve time and bands; the ones after them keep both."""


def build(
    frames: int,
    bands: int,
    classes: int,
    widths: tuple[int, ...] = (24, 32, 48, 64, 96),
    dropout: float = 0.3,
) -> keras.Model:
    """Return an untrained model from windows (frames, bands) to logits (classes).

    Depthwise-separable convolutions (Howard et al. 2017, MobileNets): the first layers halve time and
    bands, then what is left of the bands is weighed per channel and time is averaged. Only operators in
    versions that tflite-runtime 2.14 knows.
    """
    inputs = keras.Input((frames, bands))
    x = layers.Reshape((frames, bands, 1))(inputs)
    x = _activated(layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(x))
    for index, width in enumerate(widths[1:]):
        x = _separable(x, width, strides=2 if index in HALVING else 1)
    x = _activated(layers.DepthwiseConv2D((1, x.shape[2]), use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


def _separable(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    shortcut = x
    x = _activated(layers.DepthwiseConv2D((5, 3), strides=strides, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 1, use_bias=False)(x))
    if shortcut.shape == x.shape:
        x = layers.Add()([x, shortcut])
    return layers.ReLU()(x)


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
