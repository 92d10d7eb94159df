"""The encoder of voices as a Keras network: attention over the frames of a window, then their mean.

Its layers are as int8 files need them: linear maps are convolutions of width 1, and `Attention` marks the
network as one whose other operators stay in floating point (`conversion.to_int8`).
"""

import keras
import numpy as np
from keras import layers, ops

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.teachers.compression import Arrays
from models_tflite.training.teachers.voice_encoder import OFFSET, SCALE
from models_tflite.training.teachers.whisper import HEADS, LAYERS


def build(arrays: Arrays) -> keras.Model:
    """Return the network from normalised windows (frames, 80) to embeddings, by `compression.compress`."""
    frames, bands = 2 * len(arrays["positions"]), len(arrays["conv1/weight"]) // 3
    window = keras.Input((frames, bands))
    x = layers.Reshape((frames, 1, bands))(window)
    weights, bias = arrays["conv1/weight"], arrays["conv1/bias"]
    # The scale of the input is folded in; only the padding at the ends differs, by what silence is.
    x = _gelu(_linear(x, weights * np.float32(SCALE), bias + np.float32(OFFSET) * weights.sum(axis=0), 3))
    x = _gelu(_linear(x, arrays["conv2/weight"], arrays["conv2/bias"], 3, strides=2))
    x = _named(arrays, "project", x) + ops.convert_to_tensor(arrays["positions"][np.newaxis, :, np.newaxis])
    for layer in range(LAYERS):
        projected = _split(arrays, f"attention_{layer}/in", _normalised(x))
        x = x + _named(arrays, f"attention_{layer}/out", Attention()(projected))
        hidden = _gelu(_named(arrays, f"hidden_{layer}/in", _normalised(x)))
        if layer + 1 < LAYERS:
            x = x + _named(arrays, f"hidden_{layer}/out", hidden)
    return keras.Model(window, layers.GlobalAveragePooling2D()(hidden))


@keras.saving.register_keras_serializable("models_tflite")
class Attention(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Scaled dot-product attention of eight heads (Vaswani et al. 2017), of queries, keys and values."""

    def call(self, projected: list[keras.KerasTensor]) -> keras.KerasTensor:
        """Return what is attended to, (batch, frames, 1, numbers); queries are scaled before."""
        frames, numbers = projected[0].shape[1], projected[0].shape[3]
        queries, keys, values = (
            ops.transpose(ops.reshape(each, (-1, frames, HEADS, numbers // HEADS)), (0, 2, 1, 3))
            for each in projected
        )
        share = ops.softmax(ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))), axis=-1)
        attended = ops.transpose(ops.matmul(share, values), (0, 2, 1, 3))
        return ops.reshape(attended, (-1, frames, 1, numbers))


def _split(arrays: Arrays, name: str, x: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Return queries, scaled for `Attention`, keys and values."""
    weights, biases = (np.split(arrays[f"{name}/{kind}"], 3, axis=-1) for kind in ("weight", "bias"))
    scales = (np.float32(1 / np.sqrt(weights[0].shape[1] // HEADS)), np.float32(1), np.float32(1))
    return [_linear(x, w * s, b * s) for w, b, s in zip(weights, biases, scales, strict=True)]


def _named(arrays: Arrays, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return _linear(x, arrays[f"{name}/weight"], arrays[f"{name}/bias"])


def _linear(
    x: keras.KerasTensor, weights: Float32Array, bias: Float32Array, frames: int = 1, strides: int = 1
) -> keras.KerasTensor:
    """Apply an affine map to each frame and its neighbours: weights (frames * inputs, outputs)."""
    outputs = weights.shape[1]
    layer = layers.Conv2D(outputs, (frames, 1), strides=(strides, 1), padding="same")
    y = layer(x)
    layer.set_weights([weights.reshape(frames, 1, -1, outputs), bias])
    return y


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-5)


def _gelu(x: keras.KerasTensor) -> keras.KerasTensor:
    return x * ops.sigmoid(x * 1.702)
