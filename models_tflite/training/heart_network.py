"""The network of the heart models: one part follows time, one counts how loud each band is how often."""

import keras
from keras import layers

from models_tflite.training.normalisation import BatchNormalization

LEVELS = 4
"""Loudnesses that the counting part learns to tell apart in each band."""
COUNTED = 64
"""Numbers that it sums its counts up in."""


def build(
    frames: int,
    bands: int,
    outputs: int,
    *,
    widths: tuple[int, ...],
    halving: tuple[int, ...],
    dropout: float,
) -> keras.Model:
    """Return an untrained model from windows (frames, bands) to logits (outputs).

    Both parts take bands for channels. The first takes each band's mean away, and with it the colour that a
    microphone gives (cepstral mean subtraction, Atal 1974), then convolves over time (Choi et al. 2019,
    TC-ResNet); the layers of `halving` halve time. The second is a soft histogram of each band. Only
    operators in versions that tflite-runtime 2.14 knows.
    """
    inputs = keras.Input((frames, bands))
    seen = layers.Reshape((frames, 1, bands))(inputs)
    both = layers.Concatenate()([_course(seen, widths, halving), _loudness(seen, dropout)])
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(layers.Dropout(dropout)(both)))


def _course(seen: keras.KerasTensor, widths: tuple[int, ...], halving: tuple[int, ...]) -> keras.KerasTensor:
    x = layers.Subtract()([seen, layers.GlobalAveragePooling2D(keepdims=True)(seen)])
    x = layers.ReLU()(_over_time(x, widths[0], strides=2))
    for index, width in enumerate(widths[1:]):
        shortcut = x
        x = _over_time(x, width, strides=2 if index in halving else 1)
        if shortcut.shape == x.shape:
            x = layers.Add()([x, shortcut])
        x = layers.ReLU()(x)
    return layers.GlobalAveragePooling2D()(x)


def _loudness(seen: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D((3, 1), strides=2, depth_multiplier=LEVELS, padding="same", use_bias=False)(
        seen
    )
    x = layers.ReLU()(BatchNormalization(momentum=0.9)(x))
    x = BatchNormalization(momentum=0.9)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Dense(COUNTED, activation="relu")(layers.Dropout(dropout)(layers.Flatten()(x)))


def _over_time(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    x = layers.Conv2D(width, (5, 1), strides=(strides, 1), padding="same", use_bias=False)(x)
    return BatchNormalization(momentum=0.9)(x)
