"""Classifier of recordings: a quantised TFLite model and its card.

A model is a pair of files: `<model>.tflite`, and the card `<model>.json` with everything that the TFLite file
does not hold.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.inference.adaptation import shifted
from edge_worker.inference.device_adaptation import DeviceAdaptation
from edge_worker.inference.familiarity import DeviceDistance
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.inference.model_card import ModelCard
from edge_worker.inference.model_files import NO_CARD, mismatch, read_pair, require_checksum
from edge_worker.inference.softmax import softmax
from edge_worker.protocol.prediction import Prediction
from edge_worker.signal import heart_cycle
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.windowing import normalise, trim, windows


class WindowScores(NamedTuple):
    """Scores of windows of one device."""

    probabilities: npt.NDArray[np.float64]
    """(windows, outputs), calibrated."""
    familiarity: float | None
    """Of the device, 0..1; None: it is not measured."""
    threshold: float
    """Lowest confidence of an accepted label."""


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
        expected = [(card.window_frames, card.features.bands), *_output_shapes(card)]
        shapes = [self._interpreter.input_shape, *self._interpreter.output_shapes]
        if shapes[0] != expected[0] or sorted(shapes[1:]) != sorted(expected[1:]):
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
            if card.model != model:
                raise ModelError(mismatch(directory, model))
            require_checksum(directory, model, content, card.sha256)
            return cls(card, content)
        except NO_CARD as error:
            raise ModelError(
                f"{card_path} is not a model card ({_reason(error)}): copy the pair again"
            ) from error

    def classify(self, signal: Signal, adaptation: DeviceAdaptation | None = None) -> Prediction:
        """Return the label of a whole recording, from the mean calibrated probabilities of its windows.

        Probabilities of a model with a background output add up to less than 1: the rest is "none of
        these". `accepted` means confident enough, and more likely than none of these; whether the
        recording is usable is a question of `signal.quality`. With an `adaptation` of the device, its
        spectrum is corrected before the model, the log odds are shifted after it, and the threshold is
        what known hearts of the device ask for.
        """
        start = time.perf_counter()
        card = self.card
        adaptation = adaptation or DeviceAdaptation()
        device = self.device(signal.features(card.features))
        scored = self.score(self.windows(signal, adaptation), device, adaptation.proven_threshold(card))
        scores, threshold = scored.probabilities.mean(axis=0), scored.threshold
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
            threshold=threshold,
            accepted=bool(1 > threshold <= confidence == scores.max()),
            probabilities=dict(zip(card.labels, scores.tolist(), strict=False)),
            windows=len(scored.probabilities),
            took_ms=(time.perf_counter() - start) * 1000,
            familiarity=scored.familiarity,
            hears=card.domain,
            meaning=card.meaning(card.labels[best]),
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

    def device(self, frames: Float32Array) -> DeviceDistance | None:
        """Return the familiarity of the device of features (frames, bands); None: it is not measured."""
        unfamiliar = self.card.unfamiliar_device
        return None if unfamiliar is None else unfamiliar.familiarity.of(frames)

    def probabilities(
        self, inputs: Float32Array, device: DeviceDistance | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the calibrated probabilities of windows, (windows, outputs); see `score`."""
        return self.score(inputs, device).probabilities

    def score(
        self, inputs: Float32Array, device: DeviceDistance | None = None, proven: float | None = None
    ) -> WindowScores:
        """Return the calibrated probabilities of windows, and the confidence that accepts a label.

        Args:
            inputs: windows of one device, in dB, (windows, frames, bands).
            device: its familiarity; None: that of these windows.
            proven: threshold that known hearts of the device gave; None: the card decides.
        """
        card, unfamiliar = self.card, self.card.unfamiliar_device
        logits, *states = self._run(normalise(inputs))
        if unfamiliar is None:
            threshold = card.threshold if proven is None else proven
            return WindowScores(softmax((logits / card.temperature).astype(np.float64)), None, threshold)
        device = device or unfamiliar.familiarity.of(inputs.reshape(-1, inputs.shape[2]))
        contrasts = unfamiliar.standardised(inputs, states[0])
        blended = unfamiliar.blend(logits, contrasts, device.familiarity) / card.temperature
        threshold = unfamiliar.threshold_for(device, contrasts, proven)
        return WindowScores(softmax(blended), device.familiarity, threshold)

    def _run(self, inputs: Float32Array) -> list[Float32Array]:
        """Return the outputs in the order of `_output_shapes`: a converter may have changed it."""
        by_shape = dict(zip(self._interpreter.output_shapes, self._interpreter.run_all(inputs), strict=True))
        return [by_shape[shape] for shape in _output_shapes(self.card)]


def _output_shapes(card: ModelCard) -> list[tuple[int, ...]]:
    """Return the shapes of logits and, of models that know unfamiliar devices, of the heart's states."""
    states = [] if card.unfamiliar_device is None else [(card.window_frames, len(heart_cycle.LABELS))]
    return [(card.outputs,), *states]


def load_all(directory: Path, models: Iterable[str]) -> dict[str, Classifier]:
    """Load several models, in this order; raises ModelError at the first that cannot be loaded."""
    return {model: Classifier.load(directory, model) for model in models}


def _reason(error: Exception) -> str:
    """Return the first line of a parser's error as a clause."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text.split("\n", 1)[0]
