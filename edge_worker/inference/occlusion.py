"""Occlusion map: how much each patch of time and frequency contributes to the label of a recording.

Occlusion sensitivity (Zeiler and Fergus, ECCV 2014): one patch after another is hidden, and the model is run
again. A hidden patch holds the mean of its bands over the recording, so that only its deviation from the mean
is lost. The map explains the model, not the patient.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.inference.classifier import Classifier
from edge_worker.inference.familiarity import DeviceDistance
from edge_worker.protocol.meaning import LANGUAGES
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.log_mel import LogMelParameters
from edge_worker.signal.mel_scale import mel_frequencies
from edge_worker.signal.windowing import trim, window_starts

PATCH_S: Final = 0.2
"""Shortest patch: about one heart sound and its surroundings."""
MAX_TIMES: Final = 60
"""Largest number of patches in time: in long recordings patches grow, so that the run time stays bounded."""
BANDS: Final = 8
"""Largest number of patches in frequency."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OcclusionMap:
    """Contribution of each patch of a recording to the probability of one label."""

    model: str
    version: str
    sha256: str
    label: str
    name: str
    """Of the label, for people."""
    confidence: float
    """Probability of `label` without occlusion, 0..1."""
    drop: FloatArray
    """(times, bands): decrease of the probability when a patch is hidden; below 0 for evidence against it."""
    time_edges_s: FloatArray
    """Borders of the patches in time, (times + 1,)."""
    hz_edges: FloatArray | None
    """Borders of the patches in Hz, (bands + 1,), lowest first; None for features without frequencies."""
    frames: Float32Array
    """Features that the model was given, (frames, bands), in dB."""

    def document(self) -> dict[str, Any]:
        """Return the map, without the frames, as a JSON object."""
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
    """Return the occlusion map of a recording for `label`, by default the label that the model gives.

    For every patch, the model runs on the windows that contain it: half a second for 6 s of heart sound.

    Raises:
        ValueError: the model has no such label.
    """
    card = classifier.card
    frames = signal.features(card.features)
    first = _first_frame(frames, card.trim_db)
    frames = frames if card.trim_db is None else trim(frames, card.trim_db)
    device = classifier.device(frames)
    unhidden = classifier.probabilities(classifier.split(frames), device)
    best = (
        int(unhidden.mean(axis=0)[: len(card.labels)].argmax()) if label is None else card.labels.index(label)
    )
    times = _edges(len(frames), max(1, min(MAX_TIMES, round(_seconds(len(frames), card.features) / PATCH_S))))
    bands = _edges(card.features.bands, min(BANDS, card.features.bands))
    occluder = _Occluder(classifier, frames, device, unhidden[:, best], best)
    drop = [
        [occluder.drop(slice(*time), slice(*band)) for band in pairwise(bands)] for time in pairwise(times)
    ]
    return OcclusionMap(
        model=card.model,
        version=card.version,
        sha256=card.sha256,
        label=card.labels[best],
        name=card.meaning(card.labels[best]).name(card.labels[best], LANGUAGES[0]),
        confidence=float(unhidden[:, best].mean()),
        drop=np.array(drop),
        time_edges_s=_seconds(first + times, card.features),
        hz_edges=_hertz(card.features, bands),
        frames=frames,
    )


@dataclass(frozen=True, slots=True)
class _Occluder:
    """Recording whose patches are hidden one by one."""

    classifier: Classifier
    frames: Float32Array
    device: DeviceDistance | None
    """Familiarity of the device, which a patch must not change."""
    unhidden: FloatArray
    """Probability of the label in each window without occlusion, (windows,)."""
    label: int
    """Index of the label."""

    def drop(self, time: slice, band: slice) -> float:
        """Return the decrease of the mean probability of the label when a patch is hidden."""
        card = self.classifier.card
        starts = window_starts(len(self.frames), card.window_frames, card.hop_frames)
        touched = (starts < time.stop) & (starts + card.window_frames > time.start)
        if not touched.any():
            return 0.0
        hidden = self.frames.copy()
        hidden[time, band] = self.frames[:, band].mean(axis=0)
        windows = self.classifier.split(hidden)[touched]
        remaining = self.classifier.probabilities(windows, self.device)[:, self.label]
        return float((self.unhidden[touched] - remaining).sum() / len(self.unhidden))


def _first_frame(frames: Float32Array, trim_db: float | None) -> int:
    """Return the number of frames that `trim` removes from the start."""
    if trim_db is None:
        return 0
    levels_db = frames.max(axis=1)
    return int(np.argmax(levels_db >= levels_db.max() - trim_db))


def _edges(length: int, parts: int) -> npt.NDArray[np.intp]:
    """Return the borders of `parts` parts of about equal size of a length, (parts + 1,)."""
    return np.unique(np.linspace(0, length, parts + 1).round().astype(np.intp))


def _seconds(frames: Any, features: FeatureParameters) -> Any:  # noqa: ANN401 - a number or an array
    return frames * features.hop_length / features.sample_rate


def _hertz(features: FeatureParameters, edges: npt.NDArray[np.intp]) -> FloatArray | None:
    """Return the frequencies at the borders of patches: the mean centre of the bands on both sides."""
    if not isinstance(features, LogMelParameters):
        return None
    hertz = mel_frequencies(features.n_mels + 2, features.fmin, features.fmax)
    between: FloatArray = (hertz[:-1] + hertz[1:])[edges] / 2
    return between
