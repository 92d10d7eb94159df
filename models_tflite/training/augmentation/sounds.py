"""Every sound that the scorecard is fitted to, measured twice: as it is, and as heard elsewhere."""

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
from models_tflite.training.augmentation.noises import noises

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NOISES: Final = 500
"""Made-up noises of each kind."""
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is known of every sound."""

    measures: FloatArray
    """(2, sounds, measures): as it is, and as heard elsewhere."""
    kind: npt.NDArray[np.str_]
    site: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]
    is_heart: BoolArray
    is_clear: npt.NDArray[np.int8]
    """1 good, 0 poor, -1 not said."""


def listen(data: Path) -> Sounds:
    """Measure every clip of `data` and `NOISES` made-up noises of each kind."""
    random = np.random.default_rng(SEED)
    sounds: list[tuple[str, str, str, bool, int]] = []
    measured: list[tuple[QualityFeatures, QualityFeatures]] = []
    for spectrogram, kind, site, group, is_heart, said in tqdm(
        _sounds(data), "measures", unit="", disable=None
    ):
        measured.append((extract(spectrogram), extract(elsewhere(spectrogram, is_heart, random))))
        sounds.append((kind, site, group, is_heart, said))
    columns = [np.array(column) for column in zip(*sounds, strict=True)]
    return Sounds(np.array(measured, np.float64).swapaxes(0, 1), *columns)


def _sounds(data: Path) -> Iterator[tuple[Float32Array, str, str, str, bool, int]]:
    """Yield spectrogram, kind, site, group, is_heart and is_clear of every sound that is long enough."""
    for clip in clips.all_of(data):
        signal = clip.read()
        if signal.duration_s >= clips.MIN_DURATION_S:
            said = -1 if clip.is_clear is None else int(clip.is_clear)
            yield signal.features(HEART_LOG_MEL), clip.kind, clip.site, clip.group, clip.is_heart, said
    for number, (kind, signal) in enumerate(noises(NOISES, SEED)):
        name = f"made-up {kind}"
        yield signal.features(HEART_LOG_MEL), name, name, f"made-up {number}", False, -1


def elsewhere(spectrogram: Float32Array, is_heart: bool, random: np.random.Generator) -> Float32Array:
    """Return 3 to 8 s of a spectrogram in dB, (frames, bands), as another stethoscope would have heard it.

    A heart through a brighter or duller one; anything else mostly through a chestpiece, which leaves the
    low bands; both with a ripple, and over the noise of another room.
    """
    length = int(random.uniform(3, 8) * HEART_LOG_MEL.sample_rate / HEART_LOG_MEL.hop_length)
    start = random.integers(0, max(0, len(spectrogram) - length) + 1)
    bands = np.arange(HEART_LOG_MEL.n_mels)
    slope = random.uniform(-0.4, 0.4) if is_heart else random.uniform(-1.2, 0.3)
    knots = np.linspace(0, HEART_LOG_MEL.n_mels - 1, 7)
    heard = spectrogram[start : start + length] + slope * bands
    heard = heard + np.interp(bands, knots, random.normal(0, 3, len(knots)))
    room = np.quantile(heard.max(axis=1), 0.95) - random.uniform(35, 70) - random.uniform(0, 0.3) * bands
    grain = random.gamma(2, 1 / 2, heard.shape)  # power of noise in a band of about two bins
    louder: Float32Array = 10 * np.log10(10 ** (heard / 10) + grain * 10 ** (room / 10)).astype(np.float32)
    return louder
