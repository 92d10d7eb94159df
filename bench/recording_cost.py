"""Processor time of one recording, 4 s at 44.1 kHz, from its chunks to its published result, by stage.

The baseline is the same sound through librosa and Keras, as in the systems that this project replaces.
"""

import os
import tempfile
from pathlib import Path

from bench import keras_baseline
from bench.recording import recording_stages
from bench.recording.heart_recording import RATE, pcm
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.ingest import wav


def measure(models_dir: Path) -> dict[str, float]:
    """Return `cpu_ms_per_recording`, its stages, and the ratio to librosa and Keras."""
    sound = pcm()
    stages = recording_stages.measure(models_dir)
    ours_ms = sum(stages.values())
    with tempfile.TemporaryDirectory() as name:
        wav.write(AudioDirectory(Path(name)), "heart.wav", sound, RATE, 1)
        path = Path(name) / "heart.wav"
        baseline_ms = keras_baseline.cpu_ms(os.cpu_count() or 1, path, models_dir)
        one_thread_ms = keras_baseline.cpu_ms(1, path, models_dir)
    return {
        "cpu_ms_per_recording": ours_ms,
        **{f"cpu_ms_stage_{stage}": value for stage, value in stages.items()},
        "cpu_ms_keras_librosa": baseline_ms,
        "cpu_ratio_keras_librosa": baseline_ms / ours_ms,
        "cpu_ms_keras_librosa_one_thread": one_thread_ms,
        "cpu_ratio_keras_librosa_one_thread": one_thread_ms / ours_ms,
    }
