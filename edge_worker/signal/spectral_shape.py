"""Spectral shape of a recording: the mean level of each band, without the level of the whole."""

import numpy as np

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import TOP_DB


def spectral_shape(frames: Float32Array) -> Float32Array:
    """Return the mean level of each band of features in dB (frames, bands), minus their mean: (bands,).

    Levels are limited to `TOP_DB` below the loudest, as they are in the windows of a model.
    """
    limited = np.maximum(frames, frames.max() - np.float32(TOP_DB))
    levels_db = limited.mean(axis=0)
    shape: Float32Array = levels_db - levels_db.mean()
    return shape
