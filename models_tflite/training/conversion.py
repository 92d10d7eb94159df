"""From a Keras model to an int8 TFLite file."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from edge_worker.features import Float32Array
from models_tflite.training.corpus import TrainingError


def to_int8(model: keras.Model, representative: Float32Array) -> bytes:
    """Return the model in int8, input and output too; ranges come from `representative` windows."""

    def batches() -> Iterator[list[Float32Array]]:
        for window in representative:
            yield [window[np.newaxis]]

    one = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(one, model(one)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = batches
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


def check_writable(folder: Path) -> None:
    """Make sure, before hours of training, that its result can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written ({error.strerror}): choose another --out") from error


def replace(files: dict[Path, bytes]) -> None:
    """Write files so that each is the old or the new one at any time, never half of one."""
    try:
        for path, content in files.items():
            _part(path).write_bytes(content)
        for path in files:
            os.replace(_part(path), path)  # noqa: PTH105 the atomic one, by name
    except OSError as error:
        for path in files:
            _part(path).unlink(missing_ok=True)
        raise TrainingError(
            f"{error.filename} cannot be written ({error.strerror}): choose another --out"
        ) from error


def _part(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".part")
