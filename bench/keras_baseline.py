"""Baseline of `recording_cost`: the same sound through librosa and Keras."""

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.progress import steps
from edge_worker.inference.classifier import load_all
from edge_worker.settings import Settings

_RECORDINGS: Final = 30


def cpu_ms(threads: int, path: Path, models_dir: Path) -> float:
    """Return CPU milliseconds for one WAV file in a process whose linear algebra has `threads` threads.

    numpy reads their number once, and the worker has set that of this process to one.
    """
    before = os.environ["OPENBLAS_NUM_THREADS"]
    os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_cpu_ms, (path, models_dir))
    finally:
        os.environ["OPENBLAS_NUM_THREADS"] = before


def _cpu_ms(path: Path, models_dir: Path) -> float:
    """Return CPU milliseconds from one WAV file to the labels of as many models, by librosa and Keras.

    As the earlier systems do for each model: `librosa.load` with resampling, mel spectrogram, decibels,
    and `model.predict` on one clip. The network is a small CNN, so that the time is that of the method and
    not of a large model.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: PLC0415 - TensorFlow must not be in the process while the worker is measured
    import librosa  # noqa: PLC0415

    models = len(load_all(models_dir, Settings().models))

    def features() -> np.ndarray[Any, Any]:
        samples, _ = librosa.load(path, sr=4000, mono=True, duration=5.0)
        mel = librosa.feature.melspectrogram(y=samples, sr=4000, n_mels=128)
        return np.asarray(librosa.power_to_db(mel, ref=np.max)[None, ..., None])

    network = keras.Sequential(
        [
            keras.Input(features().shape[1:]),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    network.predict(features(), verbose=0)
    started = time.process_time()
    for _ in steps(range(_RECORDINGS), "Keras and librosa"):
        for _ in range(models):
            network.predict(features(), verbose=0)
    return 1000 * (time.process_time() - started) / _RECORDINGS
