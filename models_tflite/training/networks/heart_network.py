"""The network of heart2: a temporal branch and a histogram branch, both given the states of the heart cycle.

Most murmurs are between S1 and S2, so both branches get the probabilities of S1, systole, S2 and diastole in
each frame (as had the best entry to the PhysioNet challenge of 2016, C. Potes et al., Computing in Cardiology
43). The frozen network of `segments` inside computes them, so that the model's input is the spectrogram
alone.
"""

from collections.abc import Iterable
from typing import Final

import keras
import numpy as np
from keras import layers

from edge_worker.inference import heart_segmenter
from edge_worker.signal import heart_cycle
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, windows
from models_tflite.training.networks import state_network
from models_tflite.training.networks.batch_normalization import BatchNormalization

HISTOGRAM_LEVELS: Final = 4
"""Loudness levels that the histogram branch learns for each band."""
HISTOGRAM_UNITS: Final = 64
"""Outputs of the histogram branch."""
STATES: Final = "states"
"""Name of the layer that outputs the probabilities of S1, systole, S2 and diastole, (frames, 4)."""
BRANCHES: Final = "branches"
"""Name of the submodel from window and states to the features of both branches."""


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

    Both branches take bands as channels. The temporal branch subtracts each band's mean, and with it the
    frequency response of the microphone (cepstral mean subtraction, Atal 1974), then convolves bands and
    states over time (Choi et al. 2019, TC-ResNet); `strided_layers` halve time. The other is a soft histogram
    of each band, over the window and in each state. Only operators in versions that tflite-runtime 2.14 has.
    """
    inputs = keras.Input((frames, bands))
    own_states = layers.Softmax(name=STATES)(state_network.load_trained(frames)(inputs, training=False))
    window, states = keras.Input((frames, bands)), keras.Input((frames, len(heart_cycle.LABELS)))
    window_at, states_at = (layers.Reshape((frames, 1, -1))(given) for given in (window, states))
    branches = [
        _temporal_branch(window_at, states_at, widths, strided_layers),
        _histogram_branch(window_at, states_at, dropout),
    ]
    both = keras.Model([window, states], layers.Concatenate()(branches), name=BRANCHES)
    features = both([inputs, own_states])
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(layers.Dropout(dropout)(features)))


def with_state_input(model: keras.Model) -> keras.Model:
    """Return a model of `build` with the states as a second input: [window, states (batch, frames, 4)].

    For training: the states are those of the clean recording, while the window is augmented and mixed.
    """
    branches = model.get_layer(BRANCHES)
    x = branches.output
    for layer in model.layers[model.layers.index(branches) + 1 :]:
        x = layer(x)
    return keras.Model(branches.inputs, x)


def with_states_output(model: keras.Model) -> keras.Model:
    """Return a model of `build` with a second output: the states of the heart cycle, (frames, 4)."""
    return keras.Model(model.input, [model.output, model.get_layer(STATES).output])


def predict_states(spectrograms: Iterable[Float32Array]) -> list[Float32Array]:
    """Return the state probabilities (frames, 4) of each spectrogram (frames, bands), in dB."""
    listed = list(spectrograms)
    cut = [normalise(windows(frames, state_network.LENGTH, state_network.HOP)) for frames in listed]
    # All windows at once: a call for each recording takes five times as long.
    logits = state_network.load_trained().predict(np.concatenate(cut), batch_size=256, verbose=0)
    by_recording = iter(np.split(logits, np.cumsum([len(each) for each in cut])[:-1]))
    return [
        heart_segmenter.probabilities(
            frames, lambda _windows: next(by_recording), state_network.LENGTH, state_network.HOP
        )
        for frames in listed
    ]


def predict_window_states(model: keras.Model, windows: Float32Array) -> Float32Array:
    """Return the states that a model of `build` computes from normalised windows: (windows, frames, 4)."""
    state_model = keras.Model(model.input, model.get_layer(STATES).output)
    states: Float32Array = state_model.predict(windows, verbose=0)
    return states


def _temporal_branch(
    window: keras.KerasTensor,
    states: keras.KerasTensor,
    widths: tuple[int, ...],
    strided_layers: tuple[int, ...],
) -> keras.KerasTensor:
    x = layers.Subtract()([window, layers.GlobalAveragePooling2D(keepdims=True)(window)])
    x = layers.Concatenate()([x, layers.Rescaling(2.0, -1.0)(states)])
    x = layers.ReLU()(_temporal_convolution(x, widths[0], strides=2))
    for index, width in enumerate(widths[1:]):
        shortcut = x
        x = _temporal_convolution(x, width, strides=2 if index in strided_layers else 1)
        if shortcut.shape == x.shape:
            x = layers.Add()([x, shortcut])
        x = layers.ReLU()(x)
    return layers.GlobalAveragePooling2D()(x)


def _histogram_branch(
    window: keras.KerasTensor, states: keras.KerasTensor, dropout: float
) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D(
        (3, 1), strides=2, depth_multiplier=HISTOGRAM_LEVELS, padding="same", use_bias=False
    )(window)
    x = layers.ReLU()(BatchNormalization(momentum=0.9)(x))
    shares = layers.AveragePooling2D((2, 1), padding="same")(states)
    mean = layers.GlobalAveragePooling2D(keepdims=True)
    counts = [mean(x)]
    for state in range(states.shape[-1]):
        counts.append(mean(layers.Multiply()([x, shares[..., state : state + 1]])))
    x = BatchNormalization(momentum=0.9)(layers.Concatenate()(counts))
    return layers.Dense(HISTOGRAM_UNITS, activation="relu")(layers.Dropout(dropout)(layers.Flatten()(x)))


def _temporal_convolution(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    x = layers.Conv2D(width, (5, 1), strides=(strides, 1), padding="same", use_bias=False)(x)
    return BatchNormalization(momentum=0.9)(x)
