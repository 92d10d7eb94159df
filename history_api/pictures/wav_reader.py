"""Reader of stored WAV files in blocks, so that ten minutes fit into little memory: envelope and samples."""

import wave
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr

from edge_worker.audio_store.sound import Sound
from edge_worker.ingest import wav
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.pcm import FULL_SCALE

_BLOCK: Final = 1 << 16
"""Samples per channel that are read at once."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Lowest and highest sample in each column of a waveform, both (columns,), full scale 1."""

    low: Float32Array
    high: Float32Array
    duration_s: float
    start_s: float = 0.0
    """Second of the recording with which it begins: of a stream only the end is kept."""

    @property
    def peak(self) -> float:
        """Largest magnitude; 0 for an empty file."""
        return float(max(self.high.max(), -self.low.min())) if len(self.low) else 0.0


def read_envelope(sound: Sound, columns: int, start_s: float = 0.0, per_s: int | None = None) -> Envelope:
    """Return the envelope of a WAV file in at most `columns` columns, its channels mixed to one.

    The file begins `start_s` after the start of its recording; `per_s` limits the columns of a second.

    Raises:
        AudioError: the file cannot be read, or is not 16-bit PCM.
    """
    with wav.opened(sound) as file:
        most = file.getnframes() if per_s is None else per_s * file.getnframes() // file.getframerate()
        edges = np.linspace(0, file.getnframes(), min(columns, most) + 1).astype(int)
        bounds = np.zeros((len(edges) - 1, 2), dtype=np.float32)
        for column, length in enumerate(np.diff(edges)):
            block = _read_mono(file, int(length))
            bounds[column] = block.min(initial=1.0), block.max(initial=-1.0)
        return Envelope(bounds[:, 0], bounds[:, 1], file.getnframes() / file.getframerate(), start_s)


def read_samples(sound: Sound, rate: int) -> Float32Array:
    """Return a WAV file, mixed to one channel and resampled to `rate` Hz: (samples,), full scale 1.

    Raises:
        AudioError: the file cannot be read, or is not 16-bit PCM.
    """
    with wav.opened(sound) as file:
        stream = soxr.ResampleStream(file.getframerate(), rate, 1, dtype="float32", quality="MQ")
        blocks = []
        while True:
            block = _read_mono(file, _BLOCK)
            is_last = len(block) < _BLOCK
            blocks.append(stream.resample_chunk(block, last=is_last))
            if is_last:
                return np.concatenate(blocks)


def _read_mono(file: wave.Wave_read, length: int) -> Float32Array:
    pcm = np.frombuffer(file.readframes(length), "<i2").reshape(-1, file.getnchannels())
    mean: Float32Array = pcm.mean(axis=1, dtype=np.float32) / np.float32(FULL_SCALE)
    return mean
