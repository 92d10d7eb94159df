"""Segmentation network: the probability of S1, systole, S2 and diastole in each frame of a heart sound.

The pair `segments.tflite` + `segments.json` reads the shared spectrogram; `signal.heart_cycle` finds the
beats and the heart rate in these probabilities.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_worker.errors import ModelError
from edge_worker.inference.interpreter import ModelInterpreter, read_pair
from edge_worker.signal import segmentation
from edge_worker.signal.features import HEART_LOG_MEL, Float32Array, Signal, normalise, window_starts, windows
from edge_worker.signal.heart_cycle import LABELS, HeartCycle, find_heart_cycle

Run = Callable[[Float32Array], Float32Array]
"""From normalised windows (windows, frames, bands) to logits (windows, frames, 4)."""

MODEL: Final = "segments"
EDGE_FRAMES: Final = 25
"""A window is trusted less towards its ends, where the network sees one side only."""


@dataclass(frozen=True, slots=True)
class SegmenterCard:
    """What `segments.json` says that is needed; `document` is all of it, for people."""

    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    window_s: float
    hop_s: float
    """Windows of a recording are at most this far apart."""
    threshold: float
    """Certainty from which on beats are found, 0..1."""
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "SegmenterCard":
        """Read a card; raises ValueError, KeyError or TypeError when it is not one."""
        document = json.loads(text)
        wanted = {
            "model": MODEL,
            "labels": list(LABELS),
            "features": {"kind": "log_mel", **asdict(HEART_LOG_MEL)},
        }
        for key, value in wanted.items():
            if document[key] != value:
                raise ValueError(f"its {key} must be {json.dumps(value)}")
        numbers = {key: float(document[key]) for key in ("window_s", "hop_s", "threshold")}
        if not (numbers["window_s"] > 0 < numbers["hop_s"] and 0 <= numbers["threshold"] <= 1):
            raise ValueError("it needs window_s and hop_s above 0 and a threshold from 0 to 1")
        return cls(version=document["version"], sha256=document["sha256"], **numbers, document=document)


class HeartSegmenter:
    """Finds heart sounds. Not for use by several threads at once."""

    def __init__(self, card: SegmenterCard, content: bytes) -> None:
        """Set up the network; raises ModelError when it does not run or is another one."""
        self.card = card
        try:
            self._network = ModelInterpreter(content)
        except ModelError as error:
            raise ModelError(f"model {MODEL} {error}") from error
        self._length = HEART_LOG_MEL.frame_count(card.window_s)
        self._hop = round(card.hop_s * segmentation.FRAMES_PER_S)
        shapes = (self._network.input_shape, self._network.output_shape)
        if shapes != ((self._length, HEART_LOG_MEL.n_mels), (self._length, len(LABELS))):
            raise ModelError(f"model {MODEL} has tensors of shape {shapes}: copy the pair again")

    @classmethod
    def load(cls, directory: Path) -> "HeartSegmenter":
        """Load the pair from `directory`; raises ModelError with what to do."""
        card_path = directory / f"{MODEL}.json"
        text, content = read_pair(directory, MODEL)
        try:
            card = SegmenterCard.parse(text.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{card_path} is not a card of {MODEL} ({error}): copy the pair again"
            ) from error
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise ModelError(
                f"{card_path} and {card_path.with_suffix('.tflite')} do not belong together: "
                "copy both files again"
            )
        return cls(card, content)

    def segment(self, signal: Signal) -> HeartCycle:
        """Return the heart sounds and the heart rate of a whole recording."""
        return self.segment_spectrogram(signal.features(HEART_LOG_MEL))

    def segment_spectrogram(self, frames: Float32Array) -> HeartCycle:
        """Return the beats of a `HEART_LOG_MEL` spectrogram (frames, bands), in seconds from its start."""
        return find_heart_cycle(
            probabilities(frames, self._network.run, self._length, self._hop), self.card.threshold
        )


def probabilities(frames: Float32Array, network: Run, length: int, hop: int) -> Float32Array:
    """Return the probabilities of S1, systole, S2 and diastole of frames (frames, bands): (frames, 4).

    The mean over windows of `length` frames, at most `hop` apart.
    """
    each = _softmax(network(normalise(windows(frames, length, hop))))
    if len(each) == 1:
        return each[0, : len(frames)]
    ramp = np.arange(1, length + 1, dtype=np.float32)
    trust = np.minimum(np.minimum(ramp, ramp[::-1]), EDGE_FRAMES)[:, np.newaxis]
    total, weight = np.zeros((len(frames), len(LABELS)), np.float32), np.zeros((len(frames), 1), np.float32)
    for start, window in zip(window_starts(len(frames), length, hop), each, strict=True):
        total[start : start + length] += trust * window
        weight[start : start + length] += trust
    return total / weight


def _softmax(logits: Float32Array) -> Float32Array:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    normal: Float32Array = raised / raised.sum(axis=-1, keepdims=True)
    return normal
