"""Heart segmenter: a model that gives each frame of a heart sound its state probabilities.

The states are S1, systole, S2 and diastole. The pair `segments.tflite` and `segments.json` takes the shared
spectrogram; `signal.heart_cycle` decodes beats and heart rate from the probabilities.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_worker.errors import ModelError
from edge_worker.inference import slow_motion
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.inference.model_files import NO_CARD, read_pair, require_checksum
from edge_worker.inference.softmax import softmax
from edge_worker.protocol import strict_json
from edge_worker.signal import segmentation
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.heart_cycle import LABELS, HeartCycle, find_heart_cycle
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import normalise, slowed, window_starts, windows

Run = Callable[[Float32Array], Float32Array]
"""Function from normalised windows (windows, frames, bands) to logits (windows, frames, 4)."""

MODEL: Final = "segments"
EDGE_FRAMES: Final = 25
"""Frames at both ends of a window with less weight, because the model has context on one side only."""


@dataclass(frozen=True, slots=True)
class SegmenterCard:
    """Fields of `segments.json` that inference needs; `document` holds all of it, for readers."""

    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    window_s: float
    hop_s: float
    """Longest distance between the starts of windows of a recording."""
    threshold: float
    """Lowest certainty at which beats are reported, 0..1."""
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "SegmenterCard":
        """Return the card in a JSON text; raises ValueError, KeyError or TypeError when it is none."""
        document = json.loads(text)
        expected = {
            "model": MODEL,
            "labels": list(LABELS),
            "features": {"kind": "log_mel", **asdict(HEART_LOG_MEL)},
        }
        for key, value in expected.items():
            if document[key] != value:
                raise ValueError(f"its {key} must be {strict_json.write(value)}")
        numbers = {key: float(document[key]) for key in ("window_s", "hop_s", "threshold")}
        if not (numbers["window_s"] > 0 < numbers["hop_s"] and 0 <= numbers["threshold"] <= 1):
            raise ValueError("it needs window_s and hop_s above 0 and a threshold from 0 to 1")
        return cls(version=document["version"], sha256=document["sha256"], **numbers, document=document)


class HeartSegmenter:
    """Loaded segmentation model that finds S1, S2 and the heart rate. Not thread-safe."""

    def __init__(self, card: SegmenterCard, content: bytes) -> None:
        """Set up the interpreter and run it once on zeros.

        Raises:
            ModelError: the interpreter cannot run the model, or its tensors have other shapes.
        """
        self.card = card
        try:
            self._interpreter = ModelInterpreter(content)
        except ModelError as error:
            raise ModelError(f"model {MODEL} {error}") from error
        self._window_frames = HEART_LOG_MEL.frame_count(card.window_s)
        self._hop_frames = round(card.hop_s * segmentation.FRAMES_PER_S)
        shapes = (self._interpreter.input_shape, *self._interpreter.output_shapes)
        if shapes != ((self._window_frames, HEART_LOG_MEL.n_mels), (self._window_frames, len(LABELS))):
            raise ModelError(f"model {MODEL} has tensors of shape {shapes}: copy the pair again")

    @classmethod
    def load(cls, directory: Path) -> "HeartSegmenter":
        """Load the pair `segments.tflite` and `segments.json` from a directory.

        Raises:
            ModelError: a file is missing or damaged, or the two do not belong together.
        """
        card_path = directory / f"{MODEL}.json"
        text, content = read_pair(directory, MODEL)
        try:
            card = SegmenterCard.parse(text.decode())
            require_checksum(directory, MODEL, content, card.sha256)
            return cls(card, content)
        except NO_CARD as error:
            raise ModelError(
                f"{card_path} is not a card of {MODEL} ({error}): copy the pair again"
            ) from error

    @property
    def version(self) -> str | None:
        """Version of the model; None: there is none."""
        return self.card.version

    def segment(self, signal: Signal) -> HeartCycle:
        """Return the heart sounds and the heart rate of a whole recording."""
        return self.segment_spectrogram(signal.features(HEART_LOG_MEL))

    def segment_spectrogram(self, frames: Float32Array) -> HeartCycle:
        """Return the heart sounds and the heart rate of a `HEART_LOG_MEL` spectrogram (frames, bands)."""
        network, length, hop = self._interpreter.run, self._window_frames, self._hop_frames
        return search(frames, network, length, hop, self.card.threshold)


class NoSegmenter(HeartSegmenter):
    """Segmenter in the place of one that is damaged: no heart rate is certain, everything else goes on."""

    def __init__(self) -> None:
        """Load nothing."""

    @property
    def version(self) -> str | None:
        """None."""
        return None

    def segment(self, signal: Signal) -> HeartCycle:
        """Return a heart cycle without sounds and rate."""
        return HeartCycle((), (), None, 0.0)

    def segment_spectrogram(self, frames: Float32Array) -> HeartCycle:
        """Return a heart cycle without sounds and rate."""
        return HeartCycle((), (), None, 0.0)


def search(frames: Float32Array, network: Run, length: int, hop: int, threshold: float) -> HeartCycle:
    """Return the heart cycle of a spectrogram (frames, bands), from the speed at which it is most certain.

    Below `threshold` it has no rate. See `probabilities` for the network and its windows of `length` frames.
    """
    cycle = find_heart_cycle(probabilities(frames, network, length, hop), threshold)
    for factor in slow_motion.FACTORS if slow_motion.may_be_fast(cycle) else ():
        slow = probabilities(slowed(frames, factor), network, length, hop)
        found = slow_motion.at_speed(find_heart_cycle(slow, threshold), factor)
        if found.certainty > cycle.certainty and slow_motion.is_fast(found, frames):
            cycle = found
    return cycle


def probabilities(frames: Float32Array, network: Run, length: int, hop: int) -> Float32Array:
    """Return the state probabilities of a spectrogram (frames, bands), (frames, 4).

    They are the weighted mean over windows of `length` frames, at most `hop` apart. `network` is the model.
    """
    by_window = softmax(network(normalise(windows(frames, length, hop))))
    if len(by_window) == 1:
        return by_window[0, : len(frames)]
    ramp = np.arange(1, length + 1, dtype=np.float32)
    window_weight = np.minimum(np.minimum(ramp, ramp[::-1]), EDGE_FRAMES)[:, np.newaxis]
    total, weight = np.zeros((len(frames), len(LABELS)), np.float32), np.zeros((len(frames), 1), np.float32)
    for start, window in zip(window_starts(len(frames), length, hop), by_window, strict=True):
        total[start : start + length] += window_weight * window
        weight[start : start + length] += window_weight
    return total / weight
