"""The network of heart2: one part follows time, one counts how loud each band is how often in which state.

Both are told where the heart is in its cycle (as was the best entry to the PhysioNet challenge of 2016,
C. Potes et al., Computing in Cardiology 43): most murmurs are between S1 and S2. The frozen network of
`segments` inside says it, so that the file needs nothing but the spectrogram.
"""

from collections.abc import Iterable

import keras
from keras import layers

from edge_worker.inference import heart_segmenter
from edge_worker.signal import heart_cycle
from edge_worker.signal.arrays import Float32Array
from models_tflite.training.networks import state_network
from models_tflite.training.networks.normalisation import BatchNormalization

LEVELS = 4
"""Loudnesses that the counting part learns to tell apart in each band."""
COUNTED = 64
"""Numbers that it sums its counts up in."""
STATES = "states"
"""The layer that says S1, systole, S2 and diastole of each frame, (frames, 4)."""
HEARD = "heard"
"""The layers between window, states and what is said of both."""


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
    microphone gives (cepstral mean subtraction, Atal 1974), then convolves bands and states over time (Choi
    et al. 2019, TC-ResNet); the layers of `halving` halve time. The second is a soft histogram of each band,
    over the window and in each state. Only operators in versions that tflite-runtime 2.14 knows.
    """
    inputs = keras.Input((frames, bands))
    said = layers.Softmax(name=STATES)(state_network.trained(frames)(inputs, training=False))
    seen, states = keras.Input((frames, bands)), keras.Input((frames, len(heart_cycle.LABELS)))
    bands_at, states_at = (layers.Reshape((frames, 1, -1))(given) for given in (seen, states))
    both = [_course(bands_at, states_at, widths, halving), _loudness(bands_at, states_at, dropout)]
    heard = keras.Model([seen, states], layers.Concatenate()(both), name=HEARD)([inputs, said])
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(layers.Dropout(dropout)(heard)))


def told(model: keras.Model) -> keras.Model:
    """Return a model of `build` that is told the states: [windows, states (batch, frames, 4)] to logits.

    To learn by: what is told is of the sound as it was, while what is seen is disturbed and mixed.
    """
    heard = model.get_layer(HEARD)
    x = heard.output
    for layer in model.layers[model.layers.index(heard) + 1 :]:
        x = layer(x)
    return keras.Model(heard.inputs, x)


def states_of(recordings: Iterable[Float32Array]) -> list[Float32Array]:
    """Return the probabilities (frames, 4) of the states in each spectrogram (frames, bands), in dB."""
    run = state_network.trained().predict_on_batch
    return [
        heart_segmenter.probabilities(frames, run, state_network.LENGTH, state_network.HOP)
        for frames in recordings
    ]


def states_of_windows(model: keras.Model, windows: Float32Array) -> Float32Array:
    """Return what a model of `build` takes for the states of normalised windows: (windows, frames, 4)."""
    listening = keras.Model(model.input, model.get_layer(STATES).output)
    states: Float32Array = listening.predict(windows, verbose=0)
    return states


def _course(
    seen: keras.KerasTensor, states: keras.KerasTensor, widths: tuple[int, ...], halving: tuple[int, ...]
) -> keras.KerasTensor:
    x = layers.Subtract()([seen, layers.GlobalAveragePooling2D(keepdims=True)(seen)])
    x = layers.Concatenate()([x, layers.Rescaling(2.0, -1.0)(states)])
    x = layers.ReLU()(_over_time(x, widths[0], strides=2))
    for index, width in enumerate(widths[1:]):
        shortcut = x
        x = _over_time(x, width, strides=2 if index in halving else 1)
        if shortcut.shape == x.shape:
            x = layers.Add()([x, shortcut])
        x = layers.ReLU()(x)
    return layers.GlobalAveragePooling2D()(x)


def _loudness(seen: keras.KerasTensor, states: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D((3, 1), strides=2, depth_multiplier=LEVELS, padding="same", use_bias=False)(
        seen
    )
    x = layers.ReLU()(BatchNormalization(momentum=0.9)(x))
    shares = layers.AveragePooling2D((2, 1), padding="same")(states)
    mean = layers.GlobalAveragePooling2D(keepdims=True)
    counts = [mean(x)]
    for state in range(states.shape[-1]):
        counts.append(mean(layers.Multiply()([x, shares[..., state : state + 1]])))
    x = BatchNormalization(momentum=0.9)(layers.Concatenate()(counts))
    return layers.Dense(COUNTED, activation="relu")(layers.Dropout(dropout)(layers.Flatten()(x)))


def _over_time(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    x = layers.Conv2D(width, (5, 1), strides=(strides, 1), padding="same", use_bias=False)(x)
    return BatchNormalization(momentum=0.9)(x)
