"""Windows of features as models take them: cutting, padding, trimming, slowing down and normalisation."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array

TOP_DB: Final = 60.0
"""Dynamic range of a normalised window: values this far below its maximum are below any chest sound."""
MIN_DEVIATION_DB: Final = 1.0
"""Lower limit of the standard deviation that a window is divided by, so that silence is not amplified."""

Pad = Literal["repeat", "silence"]
"""Padding of sounds shorter than a window: repeated, as a heart goes on, or with silence on both sides."""


def windows(frames: Float32Array, length: int, hop: int, pad: Pad = "repeat") -> Float32Array:
    """Cut features (frames, bands) into windows of `length` frames: (windows, length, bands).

    Windows are spread evenly from the first frame to the last, at most `hop` frames apart, so that the
    end of a recording counts as much as its start.
    """
    if len(frames) < length:
        return _padded(frames, length, pad)[np.newaxis]
    if len(frames) == length:  # the usual case in streams
        return frames[np.newaxis]
    return np.stack([frames[start : start + length] for start in window_starts(len(frames), length, hop)])


def window_starts(frames: int, length: int, hop: int) -> npt.NDArray[np.intp]:
    """Return the first frame of each window that `windows` cuts from so many frames: (windows,)."""
    last = max(0, frames - length)
    return np.linspace(0, last, 1 + -(-last // hop)).round().astype(np.intp)


def trim(frames: Float32Array, depth_db: float) -> Float32Array:
    """Return features (frames, bands) without the ends more than `depth_db` below the loudest frame.

    The level of a frame is that of its loudest band. At least one frame is left.
    """
    levels_db = frames.max(axis=1)
    loud = np.flatnonzero(levels_db >= levels_db.max() - depth_db)
    return frames[loud[0] : loud[-1] + 1]


def slowed(frames: Float32Array, factor: float) -> Float32Array:
    """Return a spectrogram (frames, bands) `factor` times as long, interpolated between its frames."""
    if not len(frames):
        return frames
    position = np.arange(int((len(frames) - 1) * factor) + 1) / factor
    before = position.astype(np.intp)
    after = np.minimum(before + 1, len(frames) - 1)
    share = (position - before).astype(np.float32)[:, np.newaxis]
    interpolated: Float32Array = frames[before] * (1 - share) + frames[after] * share
    return interpolated


def normalise(window: Float32Array) -> Float32Array:
    """Return windows (..., frames, bands), each limited to `TOP_DB` of range, of mean 0 and deviation 1.

    This removes the gain of the recording, which carries no information about the heart.
    """
    flat = window.reshape(*window.shape[:-2], -1)
    normal = np.maximum(flat, flat.max(axis=-1, keepdims=True) - np.float32(TOP_DB))
    normal -= normal.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.square(normal).mean(axis=-1, keepdims=True))
    normal /= np.maximum(deviation, np.float32(MIN_DEVIATION_DB))
    shaped: Float32Array = normal.reshape(window.shape)
    return shaped


def _padded(frames: Float32Array, length: int, pad: Pad) -> Float32Array:
    if pad == "repeat":
        return np.resize(frames, (length, frames.shape[1]))
    before = (length - len(frames)) // 2
    around = ((before, length - len(frames) - before), (0, 0))
    return np.pad(frames, around, constant_values=float(frames.max()) - TOP_DB)
