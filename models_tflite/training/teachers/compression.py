"""Compression of Whisper's first layers to a network of half the size, without labels and without training.

The residual stream is rotated onto its principal components and cut (SliceGPT, Ashkboos et al., ICLR 2024),
channels that carry least are removed, and each linear map is fitted anew by least squares to give what the
original gives from what is left before it, so that errors do not add up. Of the last layer only the hidden
numbers are kept: their time means are the embedding.
"""

from typing import Final

import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.teachers.whisper import (
    LAYERS,
    WIDTH,
    Activations,
    Whisper,
    attention,
    centred,
    gelu,
    neighbours,
    normalised,
)

Arrays = dict[str, Float32Array]

CHANNELS: Final = 384
"""Channels that are left of either convolution, and numbers of the residual stream."""
HIDDEN: Final = 1024
"""Hidden numbers that are left of a feed-forward block of 2,048."""
_RIDGE: Final = 1e-3
"""Penalty of the least squares, as a share of the inputs' mean variance."""


def compress(whisper: Whisper, windows: Float32Array) -> Arrays:
    """Return the weights of the smaller network, fitted to spectrograms (windows, frames, 80).

    `NAME/weight`, (inputs, outputs), and `NAME/bias` of each linear map, and `positions`, (frames, 384);
    `voice_network.build` puts them together.
    """
    original = whisper(windows)
    basis = _basis(original)
    arrays: Arrays = {}
    x = _convolutions(whisper, original, windows, arrays)
    positions = centred(whisper.positions(x.shape[1])) @ basis
    arrays["positions"] = positions
    streams = [centred(stream) @ basis for stream in original.residuals]
    x = _fit(arrays, "project", x, streams[0] - positions) + positions
    for layer in range(LAYERS):
        projected = _fit(arrays, f"attention_{layer}/in", normalised(x), original.projected[layer])
        x = x + _fit(arrays, f"attention_{layer}/out", attention(projected), streams[2 * layer + 1] - x)
        before = original.before_activation[layer]
        chosen = _largest(gelu(before).mean(axis=1).var(axis=0), HIDDEN)
        hidden = gelu(_fit(arrays, f"hidden_{layer}/in", normalised(x), before[..., chosen]))
        if layer + 1 < LAYERS:
            x = x + _fit(arrays, f"hidden_{layer}/out", hidden, streams[2 * layer + 2] - x)
    return arrays


def _basis(original: Activations) -> Float32Array:
    """Return the directions that hold most of the normalised residual streams, rotated at random: (512, 384).

    The rotation spreads the few large ones over all numbers, which int8 needs.
    """
    covariance = np.zeros((WIDTH, WIDTH), dtype=np.float32)
    for stream in original.residuals:
        flat = normalised(centred(stream)).reshape(-1, WIDTH)
        covariance += flat.T @ flat
    directions = np.linalg.eigh(covariance)[1][:, -CHANNELS:]
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((CHANNELS, CHANNELS)))[0]
    basis: Float32Array = (directions @ rotation).astype(np.float32)
    return basis


def _convolutions(
    whisper: Whisper, original: Activations, windows: Float32Array, arrays: Arrays
) -> Float32Array:
    """Store the convolutions with fewer channels; return their output, (windows, frames, 384)."""
    weights, bias = whisper.convolution("conv1")
    following = np.square(whisper.convolution("conv2")[0].reshape(3, WIDTH, -1)).sum(axis=(0, 2))
    chosen = _largest(np.square(original.first).mean(axis=(0, 1)) * following, CHANNELS)
    arrays["conv1/weight"], arrays["conv1/bias"] = weights[:, chosen], bias[chosen]
    second = original.before_second
    kept = _largest(gelu(second).var(axis=(0, 1)), CHANNELS)
    return gelu(_fit(arrays, "conv2", neighbours(original.first[..., chosen], 2), second[..., kept]))


def _largest(importance: Float32Array, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the indices of the largest numbers, in order."""
    return np.sort(np.argsort(-importance)[:count])


def _fit(arrays: Arrays, name: str, x: Float32Array, target: Float32Array) -> Float32Array:
    """Store the affine map from `x` to `target`, (windows, frames, numbers), and return what it gives."""
    inputs, outputs = (each.reshape(-1, each.shape[-1]) for each in (x, target))
    mean, offset = inputs.mean(axis=0), outputs.mean(axis=0)
    inputs = inputs - mean
    covariance = (inputs.T @ inputs).astype(np.float64)
    covariance[np.diag_indices_from(covariance)] += _RIDGE * covariance.trace() / len(covariance)
    weights = np.linalg.solve(covariance, inputs.T @ (outputs - offset)).astype(np.float32)
    arrays[f"{name}/weight"], arrays[f"{name}/bias"] = weights, offset - mean @ weights
    given: Float32Array = x @ weights + arrays[f"{name}/bias"]
    return given
