"""Conversion of a Keras model to an int8 TFLite file."""

import contextlib
import io
from collections.abc import Iterator
from typing import Final

import keras
import numpy as np
import tensorflow as tf

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.networks.space_to_depth import with_space_to_depth

REPRESENTATIVE_WINDOWS: Final = 400


def representative(windows: Float32Array) -> Float32Array:
    """Return about `REPRESENTATIVE_WINDOWS` windows, evenly chosen, to calibrate tensor ranges with."""
    return windows[:: max(1, len(windows) // REPRESENTATIVE_WINDOWS)]


def to_int8(model: keras.Model, representative: Float32Array) -> bytes:
    """Return a model as .tflite file, int8 from input to output, its ranges from `representative` windows."""

    def batches() -> Iterator[list[Float32Array]]:
        for window in representative:
            yield [window[np.newaxis]]

    one = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(one, with_space_to_depth(model)(one)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = batches
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):  # TensorFlow names every variable it meets
        content: bytes = converter.convert()
    return content
