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
from models_tflite.training.networks.voice_network import Attention

REPRESENTATIVE_WINDOWS: Final = 400
FLOAT_OPERATORS: Final = (
    *("BATCH_MATMUL", "SOFTMAX", "ADD", "MUL", "SQUARE", "MEAN", "LOGISTIC", "TRANSPOSE", "RESHAPE"),
)
"""Operators that stay in floating point where a network has attention, all but those that have weights: in
int8 they are slower, and the two runtimes round them differently."""

_EVERY: Final = 4
"""One window in so many is enough for a network with attention, which takes long in floating point."""


def representative(windows: Float32Array) -> Float32Array:
    """Return about `REPRESENTATIVE_WINDOWS` windows, evenly chosen, to calibrate tensor ranges with."""
    return windows[:: max(1, len(windows) // REPRESENTATIVE_WINDOWS)]


def to_int8(model: keras.Model, representative: Float32Array) -> bytes:
    """Return a model as .tflite file, int8 from input to output, its ranges from `representative` windows."""

    has_attention = any(isinstance(layer, Attention) for layer in model.layers)

    def batches() -> Iterator[list[Float32Array]]:
        for window in representative[:: _EVERY if has_attention else 1]:
            yield [window[np.newaxis]]

    one = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(one, with_space_to_depth(model)(one)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = batches
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):  # TensorFlow names every variable it meets
        content: bytes = _partly_in_float(converter) if has_attention else converter.convert()
    return content


def _partly_in_float(converter: tf.lite.TFLiteConverter) -> bytes:
    """Return the file of a converter without quantising `FLOAT_OPERATORS`."""
    debugging = tf.lite.experimental
    debugger = debugging.QuantizationDebugger(
        converter=converter,
        debug_dataset=converter.representative_dataset,
        debug_options=debugging.QuantizationDebugOptions(
            denylisted_ops=list(FLOAT_OPERATORS), fully_quantize=True
        ),
    )
    content: bytes = debugger.get_nondebug_quantized_model()
    return content
