"""The sound of a recording as pictures need it, read in pieces: ten minutes fit into little memory."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from edge_worker.errors import AudioError
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.signal.features import FULL_SCALE, Float32Array

_BLOCK: Final = 1 << 16
"""Samples of each channel that are read at once."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The lowest and the highest sample of each column of a picture, (columns,), full scale is 1."""

    low: Float32Array
    high: Float32Array
    duration_s: float

    @property
    def peak(self) -> float:
        """Largest magnitude; 0 where there is no sound."""
        return float(max(self.high.max(), -self.low.min())) if len(self.low) else 0.0


def envelope(path: Path, columns: int) -> Envelope:
    """Return the envelope of a WAV file in at most `columns` columns; raises AudioError."""
    with _opened(path) as sound:
        edges = np.linspace(0, sound.getnframes(), min(columns, sound.getnframes()) + 1).astype(int)
        bounds = np.zeros((len(edges) - 1, 2), dtype=np.float32)
        for column, length in enumerate(np.diff(edges)):
            block = _mono(sound, int(length))
            bounds[column] = block.min(initial=1.0), block.max(initial=-1.0)
        return Envelope(bounds[:, 0], bounds[:, 1], sound.getnframes() / sound.getframerate())


def samples(path: Path, rate: int) -> Float32Array:
    """Return a WAV file as one channel at `rate` Hz, (samples,), full scale is 1; raises AudioError."""
    with _opened(path) as sound:
        stream = soxr.ResampleStream(sound.getframerate(), rate, 1, dtype="float32", quality="MQ")
        blocks = []
        while True:
            block = _mono(sound, _BLOCK)
            is_last = len(block) < _BLOCK
            blocks.append(stream.resample_chunk(block, last=is_last))
            if is_last:
                return np.concatenate(blocks)


def _mono(sound: wave.Wave_read, length: int) -> Float32Array:
    pcm = np.frombuffer(sound.readframes(length), "<i2").reshape(-1, sound.getnchannels())
    mean: Float32Array = pcm.mean(axis=1, dtype=np.float32) / np.float32(FULL_SCALE)
    return mean


@contextmanager
def _opened(path: Path) -> Iterator[wave.Wave_read]:
    try:
        with wave.open(str(path), "rb") as sound:
            if sound.getsampwidth() != SAMPLE_BYTES:
                raise AudioError(f"{path.name} is not 16-bit PCM")
            yield sound
    except (OSError, EOFError, ValueError, wave.Error) as error:
        raise AudioError(f"{path.name} cannot be read as WAV: {error}") from error
