"""Classifier of recordings: a quantised TFLite model and its card.

A model is a pair of files: `<model>.tflite`, and the card `<model>.json` with everything that the TFLite file
does not hold.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.inference.adaptation import shifted
from edge_worker.inference.device_adaptation import DeviceAdaptation
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.inference.model_card import ModelCard
from edge_worker.inference.model_files import mismatch, read_pair, require_checksum
from edge_worker.inference.softmax import softmax
from edge_worker.protocol.result import Prediction
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.windowing import normalise, trim, windows


class Classifier:
    """A loaded model that labels recordings and windows. Not thread-safe."""

    def __init__(self, card: ModelCard, content: bytes) -> None:
        """Set up the interpreter and run it once on zeros.

        Raises:
            ModelError: the interpreter cannot run the model, or its tensors have other shapes than the card.
        """
        self.card = card
        try:
            self._interpreter = ModelInterpreter(content)
        except ModelError as error:
            raise ModelError(f"model {card.model} {error}") from error
        expected = ((card.window_frames, card.features.bands), (card.outputs,))
        shapes = (self._interpreter.input_shape, self._interpreter.output_shape)
        if shapes != expected:
            raise ModelError(
                f"model {card.model} has tensors of shape {shapes} where its card asks for {expected}: "
                "copy the pair again"
            )

    @classmethod
    def load(cls, directory: Path, model: str) -> "Classifier":
        """Load the pair `<model>.tflite` and `<model>.json` from a directory.

        Raises:
            ModelError: a file is missing or damaged, or the two do not belong together.
        """
        card_path = directory / f"{model}.json"
        text, content = read_pair(directory, model)
        try:
            card = ModelCard.parse(text.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{card_path} is not a model card ({_reason(error)}): copy the pair again"
            ) from error
        if card.model != model:
            raise ModelError(mismatch(directory, model))
        require_checksum(directory, model, content, card.sha256)
        return cls(card, content)

    def classify(self, signal: Signal, adaptation: DeviceAdaptation | None = None) -> Prediction:
        """Return the label of a whole recording, from the mean calibrated probabilities of its windows.

        Probabilities of a model with a background output add up to less than 1: the rest is "none of
        these". `accepted` means confident enough, and more likely than none of these; whether the
        recording is usable is a question of `signal.quality`. With an `adaptation` of the device, its
        spectrum is corrected before, and the log odds are shifted after the model.
        """
        start = time.perf_counter()
        card = self.card
        adaptation = adaptation or DeviceAdaptation()
        inputs = self.windows(signal, adaptation)
        scores = self.probabilities(inputs).mean(axis=0)
        calibration = adaptation.current(card)
        if calibration is not None:
            scores = shifted(scores, card.labels, calibration.shift)
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
            windows=len(inputs),
            took_ms=(time.perf_counter() - start) * 1000,
            calibration=None if adaptation.calibration is None else adaptation.calibration.facts(card),
        )

    def windows(self, signal: Signal, adaptation: DeviceAdaptation | None = None) -> Float32Array:
        """Return the windows of a recording, trimmed but not yet normalised: (windows, frames, bands).

        The spectrum of the device is corrected where `adaptation` has one and the card a weight for it.
        """
        card = self.card
        frames = signal.features(card.features)
        if card.trim_db is not None:
            frames = trim(frames, card.trim_db)
        return self.split(self.corrected(frames, adaptation))

    def corrected(self, frames: Float32Array, adaptation: DeviceAdaptation | None) -> Float32Array:
        """Return features (frames, bands) with the spectrum of the device moved towards that of training."""
        rule = self.card.adaptation
        spectrum = None if adaptation is None else adaptation.spectrum_for(self.card)
        if rule is None or spectrum is None or not rule.reference_weight:
            return frames
        return frames + rule.correction_db(spectrum.levels_db, spectrum.recordings)

    def split(self, frames: Float32Array) -> Float32Array:
        """Return features (frames, bands) as windows of the model: (windows, frames, bands)."""
        card = self.card
        return windows(frames, card.window_frames, card.hop_frames, card.pad)

    def probabilities(self, inputs: Float32Array) -> npt.NDArray[np.float64]:
        """Return the calibrated probabilities of windows (windows, frames, bands): (windows, outputs)."""
        return softmax((self._interpreter.run(normalise(inputs)) / self.card.temperature).astype(np.float64))


def load_all(directory: Path, models: Iterable[str]) -> dict[str, Classifier]:
    """Load several models, in this order; raises ModelError at the first that cannot be loaded."""
    return {model: Classifier.load(directory, model) for model in models}


def _reason(error: Exception) -> str:
    """Return the first line of a parser's error as a clause."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text.split("\n", 1)[0]
