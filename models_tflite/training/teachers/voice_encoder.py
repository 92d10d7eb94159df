"""The encoder of voices: the file of its weights, and how its input comes from normalised windows."""

import io
from pathlib import Path
from typing import Final

import numpy as np

from edge_worker.own_command import stetho
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.teachers.compression import Arrays

ENCODER: Final = Path(__file__).with_name("voice_encoder.npz")
"""Made by `stetho train encoder`; not part of the program."""
FEATURES: Final = LogMelParameters(sample_rate=16000, n_fft=400, hop_length=160, n_mels=80, fmin=0, fmax=8000)
"""Whisper's own spectrogram."""
WINDOW_S: Final = 2.0
SCALE: Final = 0.341
OFFSET: Final = 0.204
"""Whisper's input is `SCALE` times a normalised window plus `OFFSET`: the mean deviation and mean of two
seconds of speech at one level, whose logarithm of power Whisper takes as (log10 + 4) / 4."""


def whisper_input(windows: Float32Array) -> Float32Array:
    """Return the input of Whisper for normalised windows (windows, frames, 80)."""
    return windows * np.float32(SCALE) + np.float32(OFFSET)


def load(path: Path) -> Arrays:
    """Read the weights.

    Raises:
        TrainingError: the file is missing or another one.
    """
    if not path.is_file():
        raise TrainingError(f"{path} is missing: make it, as `{stetho('train encoder --help')}` says")
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    except (OSError, ValueError) as error:
        raise TrainingError(_other(path)) from error
    if "positions" not in arrays or arrays["positions"].shape[0] != FEATURES.frame_count(WINDOW_S) // 2:
        raise TrainingError(_other(path))
    return arrays


def content(arrays: Arrays) -> bytes:
    """Return the content of a file that holds the weights as float16."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{name: array.astype(np.float16) for name, array in arrays.items()})
    return file.getvalue()


def _other(path: Path) -> str:
    return f"{path} holds no encoder of voices: make it again, as `{stetho('train encoder --help')}` says"
