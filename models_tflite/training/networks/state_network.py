"""The network of `segments`: probabilities of S1, systole, S2 and diastole in each frame of a spectrogram."""

import io
from pathlib import Path
from typing import Final

import keras
import numpy as np
from keras import layers

from edge_worker.signal.heart_cycle import LABELS
from edge_worker.signal.log_mel import HEART_LOG_MEL

WINDOW_S: Final = 4.0
HOP_S: Final = 2.0
LENGTH: Final = HEART_LOG_MEL.frame_count(WINDOW_S)
HOP: Final = round(HOP_S * HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length)
WIDTH: Final = 48
DILATIONS: Final = (1, 2, 4, 8, 16)
WEIGHTS: Final = Path(__file__).with_name("state_network.npz")
"""Float weights of a network trained on CirCor, for the networks that hold it (`heart_network`)."""


def build(frames: int = LENGTH) -> keras.Model:
    """Return an untrained network from windows (frames, bands) to logits (frames, 4).

    Dilated depthwise-separable convolutions over time (Bai et al. 2018, without their causality) on bands
    as channels; the receptive field is 1.3 s to either side. Only operators that tflite-runtime 2.14 has.
    """
    inputs = keras.Input((frames, HEART_LOG_MEL.n_mels))
    x = layers.Reshape((frames, 1, HEART_LOG_MEL.n_mels))(inputs)
    x = _activated(layers.Conv2D(WIDTH, (3, 1), padding="same", use_bias=False)(x))
    for dilation in DILATIONS:
        depthwise = layers.DepthwiseConv2D(
            (5, 1), dilation_rate=(dilation, 1), padding="same", use_bias=False
        )(x)
        pointwise = layers.Conv2D(WIDTH, 1, use_bias=False)(_activated(depthwise))
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization(momentum=0.9)(pointwise)]))
    x = layers.Conv2D(len(LABELS), 1)(layers.Dropout(0.1)(x))
    return keras.Model(inputs, layers.Reshape((frames, len(LABELS)))(x))


def load_trained(frames: int = LENGTH) -> keras.Model:
    """Return the network with the weights of `WEIGHTS`, frozen."""
    model = build(frames)
    with np.load(WEIGHTS) as stored:
        model.set_weights([stored[name] for name in stored.files])
    model.trainable = False
    return model


def serialize_weights(model: keras.Model) -> bytes:
    """Return the weights of a network of `build`, in its order, as the .npz content of `WEIGHTS`."""
    file = io.BytesIO()
    np.savez_compressed(file, *model.get_weights())
    return file.getvalue()


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
