"""Which part of a sound made the label: hide one patch of time and frequency after another and listen again.

Occlusion sensitivity (Zeiler and Fergus, ECCV 2014). A patch is hidden by the mean of its bands over the
recording, so what it loses is what was special there. The map explains the model, not the patient.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.classifier import Classifier
from edge_worker.signal.features import (
    FeatureParameters,
    Float32Array,
    LogMelParameters,
    Signal,
    mel_edges,
    trim,
    window_starts,
    windows,
)

PATCH_S: Final = 0.2
"""Shortest patch: a heart sound and what is right beside it."""
MAX_TIMES: Final = 60
"""Patches of a recording in time, so that a long one does not take for ever; they grow instead."""
BANDS: Final = 8
"""Patches in frequency."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OcclusionMap:
    """How much each patch holds up one label of one model."""

    model: str
    version: str
    sha256: str
    label: str
    confidence: float
    """Probability of `label` with nothing hidden, 0..1."""
    drop: FloatArray
    """(times, bands): what the probability loses without the patch; below 0 where it spoke against."""
    time_edges_s: FloatArray
    """(times + 1,)"""
    hz_edges: FloatArray | None
    """(bands + 1,), lowest first; None where bands are no frequencies."""
    frames: Float32Array
    """What the model was shown, (frames, bands), in dB."""

    def document(self) -> dict[str, Any]:
        """Return the map as JSON takes it."""
        return {
            "model": self.model,
            "version": self.version,
            "sha256": self.sha256,
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "time_edges_s": self.time_edges_s.round(3).tolist(),
            "hz_edges": None if self.hz_edges is None else self.hz_edges.round(1).tolist(),
            "drop": self.drop.round(4).tolist(),
        }


def occlude(classifier: Classifier, signal: Signal, label: str | None = None) -> OcclusionMap:
    """Return the map of a recording for `label`, by default the one that the model gives it.

    Runs the network again for every patch on the windows that hold it: half a second for 6 s of heart.

    Raises:
        ValueError: the model does not know `label`.
    """
    card = classifier.card
    frames = signal.features(card.features)
    first = _first_frame(frames, card.trim_db)
    frames = frames if card.trim_db is None else trim(frames, card.trim_db)
    heard = classifier.probabilities(_cut(classifier, frames))
    best = int(heard.mean(axis=0)[: len(card.labels)].argmax()) if label is None else card.labels.index(label)
    times = _edges(len(frames), max(1, min(MAX_TIMES, round(_seconds(len(frames), card.features) / PATCH_S))))
    bands = _edges(card.features.bands, min(BANDS, card.features.bands))
    hidden = _Hiding(classifier, frames, heard[:, best], best)
    drop = [[hidden.loss(slice(*time), slice(*band)) for band in pairwise(bands)] for time in pairwise(times)]
    return OcclusionMap(
        model=card.model,
        version=card.version,
        sha256=card.sha256,
        label=card.labels[best],
        confidence=float(heard[:, best].mean()),
        drop=np.array(drop),
        time_edges_s=_seconds(first + times, card.features),
        hz_edges=_hertz(card.features, bands),
        frames=frames,
    )


@dataclass(frozen=True, slots=True)
class _Hiding:
    """A recording of which patches are hidden."""

    classifier: Classifier
    frames: Float32Array
    heard: FloatArray
    """Probability of the label in each window with nothing hidden, (windows,)."""
    label: int

    def loss(self, time: slice, band: slice) -> float:
        """Return how much the mean probability of the label falls when a patch is hidden."""
        card = self.classifier.card
        starts = window_starts(len(self.frames), card.window_frames, card.hop_frames)
        touched = (starts < time.stop) & (starts + card.window_frames > time.start)
        if not touched.any():
            return 0.0
        hidden = self.frames.copy()
        hidden[time, band] = self.frames[:, band].mean(axis=0)
        left = self.classifier.probabilities(_cut(self.classifier, hidden)[touched])[:, self.label]
        return float((self.heard[touched] - left).sum() / len(self.heard))


def _cut(classifier: Classifier, frames: Float32Array) -> Float32Array:
    card = classifier.card
    return windows(frames, card.window_frames, card.hop_frames, card.pad)


def _first_frame(frames: Float32Array, trim_db: float | None) -> int:
    """Return how many frames are trimmed from the start."""
    if trim_db is None:
        return 0
    loudness = frames.max(axis=1)
    return int(np.argmax(loudness >= loudness.max() - trim_db))


def _edges(length: int, parts: int) -> npt.NDArray[np.intp]:
    """Return where `parts` parts of a length begin and end, (parts + 1,), all of about one size."""
    return np.unique(np.linspace(0, length, parts + 1).round().astype(np.intp))


def _seconds(frames: Any, features: FeatureParameters) -> Any:  # noqa: ANN401 a number or an array of them
    return frames * features.hop_length / features.sample_rate


def _hertz(features: FeatureParameters, edges: npt.NDArray[np.intp]) -> FloatArray | None:
    """Return the frequencies at which patches meet: half way between the tops of their outer bands."""
    if not isinstance(features, LogMelParameters):
        return None
    hertz = mel_edges(features)
    between: FloatArray = (hertz[:-1] + hertz[1:])[edges] / 2
    return between
