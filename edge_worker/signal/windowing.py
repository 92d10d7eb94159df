"""Windows that models see: cutting, trimming and normalisation of features."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array

TOP_DB: Final = 60.0
"""Depth of a normalised window: what is this far under its loudest value is below any chest sound."""
MIN_SPREAD_DB: Final = 1.0
"""Standard deviation that a window is divided by at least: silence stays silent."""

Pad = Literal["repeat", "silence"]
"""What makes a short sound as long as a window: itself again (a heart goes on), or silence around it."""


def windows(frames: Float32Array, length: int, hop: int, pad: Pad = "repeat") -> Float32Array:
    """Cut features (frames, bands) into windows of `length` frames: (windows, length, bands).

    Windows are spread evenly from the first frame to the last, at most `hop` frames apart, so that the
    end of a recording counts like its start.
    """
    if len(frames) < length:
        return _padded(frames, length, pad)[np.newaxis]
    if len(frames) == length:  # a window of a stream
        return frames[np.newaxis]
    return np.stack([frames[start : start + length] for start in window_starts(len(frames), length, hop)])


def window_starts(frames: int, length: int, hop: int) -> npt.NDArray[np.intp]:
    """Return the first frame of each window that `windows` cuts out of so many frames: (windows,)."""
    last = max(0, frames - length)
    return np.linspace(0, last, 1 + -(-last // hop)).round().astype(np.intp)


def trim(frames: Float32Array, depth_db: float) -> Float32Array:
    """Return features (frames, bands) without the frames at both ends that are `depth_db` under the loudest.

    At least one frame is left. Loudness of a frame is that of its loudest band.
    """
    loudness = frames.max(axis=1)
    loud = np.flatnonzero(loudness >= loudness.max() - depth_db)
    return frames[loud[0] : loud[-1] + 1]


def normalise(window: Float32Array) -> Float32Array:
    """Return windows (..., frames, n_mels) of mean 0 and deviation 1 each, `TOP_DB` deep at most.

    Loudness says where the gain was set and nothing about a heart: this takes it away.
    """
    flat = window.reshape(*window.shape[:-2], -1)
    normal = np.maximum(flat, flat.max(axis=-1, keepdims=True) - np.float32(TOP_DB))
    normal -= normal.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(normal).mean(axis=-1, keepdims=True))
    normal /= np.maximum(spread, np.float32(MIN_SPREAD_DB))
    shaped: Float32Array = normal.reshape(window.shape)
    return shaped


def _padded(frames: Float32Array, length: int, pad: Pad) -> Float32Array:
    if pad == "repeat":
        return np.resize(frames, (length, frames.shape[1]))
    before = (length - len(frames)) // 2
    around = ((before, length - len(frames) - before), (0, 0))
    return np.pad(frames, around, constant_values=float(frames.max()) - TOP_DB)
