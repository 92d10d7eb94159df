"""Quality features of every sound that the quality model is fitted to, as recorded and augmented."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.quality_features import QualityFeatures, extract
from models_tflite.evaluation import clips
from models_tflite.training.augmentation.synthetic_noise import synthetic_noises

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NOISES_PER_KIND: Final = 500
"""Synthetic noises of each kind."""
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class QualityCorpus:
    """Features and labels of every sound; arrays of (sounds,) unless said otherwise."""

    measures: FloatArray
    """(2, sounds, features): as recorded, and augmented."""
    kind: npt.NDArray[np.str_]
    site: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]
    is_heart: BoolArray
    is_clear: npt.NDArray[np.int8]
    """1 good, 0 poor, -1 unknown."""


def load(data: Path) -> QualityCorpus:
    """Compute the quality features of every clip of `data` and of synthetic noises.

    Raises:
        OSError: a dataset is not there.
        AudioError: a file cannot be read.
    """
    rng = np.random.default_rng(SEED)
    sounds: list[tuple[str, str, str, bool, int]] = []
    measured: list[tuple[QualityFeatures, QualityFeatures]] = []
    for spectrogram, kind, site, group, is_heart, is_clear in tqdm(
        _sounds(data), "measures", unit="", disable=None
    ):
        measured.append((extract(spectrogram), extract(augment_recording(spectrogram, is_heart, rng))))
        sounds.append((kind, site, group, is_heart, is_clear))
    columns = [np.array(column) for column in zip(*sounds, strict=True)]
    return QualityCorpus(np.array(measured, np.float64).swapaxes(0, 1), *columns)


def _sounds(data: Path) -> Iterator[tuple[Float32Array, str, str, str, bool, int]]:
    """Yield spectrogram, kind, site, group, is_heart and is_clear of every sound that is long enough."""
    for clip in clips.all_of(data):
        signal = clip.read()
        if signal.duration_s >= clips.MIN_DURATION_S:
            is_clear = -1 if clip.is_clear is None else int(clip.is_clear)
            yield signal.features(HEART_LOG_MEL), clip.kind, clip.site, clip.group, clip.is_heart, is_clear
    for number, (kind, signal) in enumerate(synthetic_noises(NOISES_PER_KIND, SEED)):
        name = f"made-up {kind}"
        yield signal.features(HEART_LOG_MEL), name, name, f"made-up {number}", False, -1


def augment_recording(spectrogram: Float32Array, is_heart: bool, rng: np.random.Generator) -> Float32Array:
    """Return 3 to 8 s of a spectrogram in dB, (frames, bands), as if recorded by another stethoscope.

    A heart with a brighter or duller one; anything else mostly with a chestpiece, which leaves the low bands;
    both with a ripple, and over the noise of another room.
    """
    length = int(rng.uniform(3, 8) * HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length)
    start = rng.integers(0, max(0, len(spectrogram) - length) + 1)
    bands = np.arange(HEART_LOG_MEL.n_mels)
    slope = rng.uniform(-0.4, 0.4) if is_heart else rng.uniform(-1.2, 0.3)
    knots = np.linspace(0, HEART_LOG_MEL.n_mels - 1, 7)
    changed = spectrogram[start : start + length] + slope * bands
    changed = changed + np.interp(bands, knots, rng.normal(0, 3, len(knots)))
    room = np.quantile(changed.max(axis=1), 0.95) - rng.uniform(35, 70) - rng.uniform(0, 0.3) * bands
    grain = rng.gamma(2, 1 / 2, changed.shape)  # power of noise in a band of about two bins
    noisy: Float32Array = 10 * np.log10(10 ** (changed / 10) + grain * 10 ** (room / 10)).astype(np.float32)
    return noisy
