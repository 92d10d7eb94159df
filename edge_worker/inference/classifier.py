"""A quantised model and its card.

A model is a pair of files: `<model>.tflite` and `<model>.json`, the card with everything that the tensor
file cannot say.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.inference.model_card import ModelCard
from edge_worker.inference.model_files import mismatch, read_pair, require_checksum
from edge_worker.inference.softmax import softmax
from edge_worker.protocol.result import Prediction
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.windowing import normalise, trim, windows


class Classifier:
    """One model, ready to run. Not for use by several threads at once."""

    def __init__(self, card: ModelCard, content: bytes) -> None:
        """Set up the interpreter and run it once on silence; raises ModelError when that fails."""
        self.card = card
        try:
            self._network = ModelInterpreter(content)
        except ModelError as error:
            raise ModelError(f"model {card.model} {error}") from error
        wanted = ((card.window_frames, card.features.bands), (card.outputs,))
        found = (self._network.input_shape, self._network.output_shape)
        if wanted != found:
            raise ModelError(
                f"model {card.model} has tensors of shape {found} where its card asks for {wanted}: "
                "copy the pair again"
            )

    @classmethod
    def load(cls, directory: Path, model: str) -> "Classifier":
        """Load the pair `<model>.tflite` + `<model>.json`; raises ModelError with what to do."""
        card_path = directory / f"{model}.json"
        text, content = read_pair(directory, model)
        try:
            card = ModelCard.parse(text.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{card_path} is not a model card ({_said(error)}): copy the pair again"
            ) from error
        if card.model != model:
            raise ModelError(mismatch(directory, model))
        require_checksum(directory, model, content, card.sha256)
        return cls(card, content)

    def classify(self, signal: Signal) -> Prediction:
        """Return the label of a whole recording: the mean of the calibrated probabilities of its windows.

        Probabilities of a model that knows a background add up to less than 1: the rest is "none of
        these". `accepted` means confident enough, and likelier than none of these; whether the sound was
        usable is for `quality` to say.
        """
        start = time.perf_counter()
        card = self.card
        seen = self.windows(signal)
        scores = self.probabilities(seen).mean(axis=0)
        best = int(scores[: len(card.labels)].argmax())
        confidence = float(scores[best])
        return Prediction(
            model=card.model,
            version=card.version,
            sha256=card.sha256,
            label=card.labels[best],
            confidence=confidence,
            threshold=card.threshold,
            accepted=bool(confidence >= card.threshold and confidence == scores.max()),
            probabilities=dict(zip(card.labels, scores.tolist(), strict=False)),
            windows=len(seen),
            took_ms=(time.perf_counter() - start) * 1000,
        )

    def windows(self, signal: Signal) -> Float32Array:
        """Return what the model sees of a recording, not yet normalised: (windows, frames, bands)."""
        card = self.card
        frames = signal.features(card.features)
        if card.trim_db is not None:
            frames = trim(frames, card.trim_db)
        return windows(frames, card.window_frames, card.hop_frames, card.pad)

    def probabilities(self, seen: Float32Array) -> npt.NDArray[np.float64]:
        """Return the calibrated probabilities of windows (windows, frames, bands): (windows, outputs)."""
        return softmax((self._network.run(normalise(seen)) / self.card.temperature).astype(np.float64))


def load_all(directory: Path, models: Iterable[str]) -> dict[str, Classifier]:
    """Load several models, in this order; raises ModelError at the first that is not whole."""
    return {model: Classifier.load(directory, model) for model in models}


def _said(error: Exception) -> str:
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text.split("\n", 1)[0]
