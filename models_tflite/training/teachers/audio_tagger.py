"""EfficientAT's mn04, a network that others trained to tag AudioSet, without its head: a teacher.

F. Schmid, K. Koutini, G. Widmer, Efficient large-scale audio tagging via transformer-to-CNN knowledge
distillation, ICASSP 2023; MobileNetV3 (Howard et al. 2019) of width 0.4. Its weights: MIT licence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import soxr
import tensorflow as tf

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.teachers import state_dict, tagger_spectrogram

EPSILON: Final = 1e-3
"""Added to the variance in its batch normalisation."""


class _Block(NamedTuple):
    """An inverted residual block."""

    kernel: int
    stride: int
    squeezes: bool
    """Whether channels are weighted by the whole clip (squeeze and excitation)."""
    uses_hard_swish: bool
    """Else ReLU."""


BLOCKS: Final = (
    _Block(3, 1, False, False),
    _Block(3, 2, False, False),
    _Block(3, 1, False, False),
    _Block(5, 2, True, False),
    *(_Block(5, 1, True, False),) * 2,
    _Block(3, 2, False, True),
    *(_Block(3, 1, False, True),) * 3,
    *(_Block(3, 1, True, True),) * 2,
    _Block(5, 2, True, True),
    *(_Block(5, 1, True, True),) * 2,
)


class AudioTagger:
    """The network from spectrograms to embeddings."""

    def __init__(self, weights: Mapping[str, Float32Array]) -> None:
        """Set up the network and run it once on zeros.

        Raises:
            TrainingError: the weights are of another network.
        """
        self._weights = weights
        self._embed = tf.function(self._embeddings, reduce_retracing=True)
        try:
            self.embed(np.zeros((1, tagger_spectrogram.BANDS, 100), dtype=np.float32))
        except (KeyError, ValueError, tf.errors.InvalidArgumentError) as error:
            raise TrainingError(
                "the teacher's weights are of another network: give those of EfficientAT mn04"
            ) from error

    @classmethod
    def load(cls, path: Path, sha256: str) -> "AudioTagger":
        """Read the published weights.

        Raises:
            TrainingError: the file is missing or another one.
        """
        return cls(state_dict.read(path, sha256))

    def embed_clips(self, clips: Float32Array, rate: int) -> Float32Array:
        """Return the embeddings of clips (clips, samples) at a sample rate: (clips, 384)."""
        resampled = [
            soxr.resample(clip, rate, tagger_spectrogram.SAMPLE_RATE, quality="MQ") for clip in clips
        ]
        return self.embed(np.stack([tagger_spectrogram.transform(clip) for clip in resampled]))

    def embed(self, spectrograms: Float32Array) -> Float32Array:
        """Return the embeddings of spectrograms (clips, bands, frames): (clips, 384)."""
        embeddings: Float32Array = self._embed(tf.constant(spectrograms)).numpy()
        return embeddings

    def _embeddings(self, spectrograms: tf.Tensor) -> tf.Tensor:
        x = _hard_swish(self._convolved(spectrograms[..., tf.newaxis], "features.0", 2))
        for number, block in enumerate(BLOCKS, start=1):
            x = self._block(x, f"features.{number}.block", block)
        x = _hard_swish(self._convolved(x, f"features.{len(BLOCKS) + 1}"))
        return tf.reduce_mean(x, axis=(1, 2))

    def _block(self, x: tf.Tensor, name: str, block: _Block) -> tf.Tensor:
        """Return `x` widened, filtered by channel, weighted and narrowed again; the first is not widened."""
        activation = _hard_swish if block.uses_hard_swish else tf.nn.relu
        y, at = x, 0
        if f"{name}.{2 + block.squeezes}.0.weight" in self._weights:
            y, at = activation(self._convolved(x, f"{name}.0")), 1
        y = activation(self._filtered(y, f"{name}.{at}", block))
        if block.squeezes:
            at += 1
            y = self._squeezed(y, f"{name}.{at}.conc_se_layers.0")
        y = self._convolved(y, f"{name}.{at + 1}")
        return x + y if x.shape == y.shape else y

    def _convolved(self, x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel, bias = self._folded(name)
        return tf.nn.conv2d(_padded(x, len(kernel)), kernel, stride, "VALID") + bias

    def _filtered(self, x: tf.Tensor, name: str, block: _Block) -> tf.Tensor:
        """Return each channel convolved with its own kernel."""
        kernel, bias = self._folded(name)
        strides = (1, block.stride, block.stride, 1)
        by_channel = kernel.transpose(0, 1, 3, 2)
        return tf.nn.depthwise_conv2d(_padded(x, block.kernel), by_channel, strides, "VALID") + bias

    def _squeezed(self, x: tf.Tensor, name: str) -> tf.Tensor:
        """Return channels weighted by their means (Hu et al. 2018)."""
        hidden = tf.nn.relu(self._dense(tf.reduce_mean(x, axis=(1, 2)), f"{name}.fc1"))
        return x * tf.sigmoid(self._dense(hidden, f"{name}.fc2"))[:, tf.newaxis, tf.newaxis]

    def _dense(self, x: tf.Tensor, name: str) -> tf.Tensor:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _folded(self, name: str) -> tuple[Float32Array, Float32Array]:
        """Return kernel (height, width, inputs, outputs) and bias with the batch normalisation in them."""
        kernel, gamma, beta, mean, variance = (
            self._weights[f"{name}.{part}"]
            for part in ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var")
        )
        scale = gamma / np.sqrt(variance + np.float32(EPSILON))
        scaled = kernel * scale[:, np.newaxis, np.newaxis, np.newaxis]
        return scaled.transpose(2, 3, 1, 0), beta - mean * scale


def _padded(x: tf.Tensor, kernel: int) -> tf.Tensor:
    """Return `x` with as many zeros on both sides, as PyTorch pads; TensorFlow would pad one side more."""
    around = (kernel // 2, kernel // 2)
    return tf.pad(x, ((0, 0), around, around, (0, 0)))


def _hard_swish(x: tf.Tensor) -> tf.Tensor:
    return x * tf.nn.relu6(x + 3) / 6
