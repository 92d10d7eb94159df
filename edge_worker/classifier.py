"""A quantised model and its card: the only door to the TFLite runtime.

A model is a pair of files: `<model>.tflite` and `<model>.json`, the card with everything that the tensor
file cannot say. LiteRT runs it; tflite-runtime, where that is what a board has, gives the same answer.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.features import Float32Array, LogMelParameters, Signal, normalise, windows
from edge_worker.result import Prediction

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class Card:
    """What `<model>.json` says that the worker needs; `document` is all of it, for people."""

    model: str
    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    labels: tuple[str, ...]
    """In the order of the output tensor."""
    features: LogMelParameters
    window_s: float
    hop_s: float
    """Windows of a recording are at most this far apart."""
    temperature: float
    """Logits are divided by it before the softmax (Guo et al. 2017): honest confidence."""
    threshold: float
    """Confidence from which on a label is accepted, 0..1."""
    max_missing_fraction: float
    """A recording that lost more than this is not to be judged, 0..1."""
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Card":
        """Read a card; raises ValueError, KeyError or TypeError when it is not one."""
        document = json.loads(text)
        card = cls(
            model=document["model"],
            version=document["version"],
            sha256=document["sha256"],
            labels=tuple(document["labels"]),
            features=LogMelParameters(**document["features"]),
            window_s=float(document["window_s"]),
            hop_s=float(document["hop_s"]),
            temperature=float(document["temperature"]),
            threshold=float(document["threshold"]),
            max_missing_fraction=float(document["max_missing_fraction"]),
            document=document,
        )
        card._check()
        return card

    def _check(self) -> None:
        rules = {
            "two different labels or more": len(set(self.labels)) == len(self.labels) > 1,
            "window_s and hop_s above 0": self.window_s > 0 < self.hop_s,
            "a temperature above 0": 0 < self.temperature < math.inf,
            "a threshold from 0 to 1": 0 <= self.threshold <= 1,
            "a max_missing_fraction from 0 to 1": 0 <= self.max_missing_fraction <= 1,
            "features that make a spectrogram": self.features.is_sound(),
        }
        for rule, kept in rules.items():
            if not kept:
                raise ValueError(f"it needs {rule}")

    @property
    def window_frames(self) -> int:
        """Frames of a window."""
        return self.features.frames(self.window_s)

    @property
    def hop_frames(self) -> int:
        """Frames between windows, at most."""
        return max(1, round(self.hop_s * self.features.sample_rate / self.features.hop_length))


class Classifier:
    """One model, ready to run. Not for use by several threads at once."""

    def __init__(self, card: Card, content: bytes) -> None:
        """Set up the interpreter and run it once on silence; raises ModelError when that fails."""
        self.card = card
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
            self._output = self._interpreter.get_output_details()[0]
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model {card.model} does not load ({_said(error)}): copy it again") from error
        self._check_tensors()
        try:
            self._logits(np.zeros((1, card.window_frames, card.features.n_mels), dtype=np.float32))
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model {card.model} does not run ({_said(error)}): copy it again") from error

    @classmethod
    def load(cls, directory: Path, model: str) -> "Classifier":
        """Load the pair `<model>.tflite` + `<model>.json`; raises ModelError with what to do."""
        card_path, model_path = directory / f"{model}.json", directory / f"{model}.tflite"
        try:
            text, content = card_path.read_bytes(), model_path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"model {model} needs {card_path.name} and {model_path.name} in {directory}, and "
                f"{Path(error.filename).name} cannot be read: train it or copy both files there"
            ) from error
        try:
            card = Card.parse(text.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{card_path} is not a model card ({_said(error)}): copy the pair again"
            ) from error
        if card.model != model or hashlib.sha256(content).hexdigest() != card.sha256:
            raise ModelError(f"{card_path} and {model_path} do not belong together: copy both files again")
        return cls(card, content)

    def classify(self, signal: Signal) -> Prediction:
        """Return the label of a whole recording: the mean of the calibrated probabilities of its windows.

        `accepted` means confident enough; whether the sound was usable is for `quality` to say.
        """
        start = time.perf_counter()
        card = self.card
        seen = windows(signal.log_mel(card.features), card.window_frames, card.hop_frames)
        logits = self._logits(normalise(seen))
        probabilities = _softmax(logits / card.temperature).mean(axis=0)
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return Prediction(
            model=card.model,
            version=card.version,
            sha256=card.sha256,
            label=card.labels[best],
            confidence=confidence,
            threshold=card.threshold,
            accepted=confidence >= card.threshold,
            probabilities=dict(zip(card.labels, probabilities.tolist(), strict=True)),
            windows=len(seen),
            took_ms=(time.perf_counter() - start) * 1000,
        )

    def _logits(self, normalised: Float32Array) -> Float32Array:
        """Run every window of (windows, frames, n_mels) through the network: (windows, labels)."""
        inputs = _quantised(normalised, self._input)
        outputs = np.empty((len(inputs), len(self.card.labels)), dtype=self._output["dtype"])
        for index in range(len(inputs)):
            self._interpreter.set_tensor(self._input["index"], inputs[index : index + 1])
            self._interpreter.invoke()
            outputs[index] = self._interpreter.get_tensor(self._output["index"])[0]
        return _dequantised(outputs, self._output)

    def _check_tensors(self) -> None:
        wanted = ((1, self.card.window_frames, self.card.features.n_mels), (1, len(self.card.labels)))
        found = tuple(tuple(int(size) for size in tensor["shape"]) for tensor in (self._input, self._output))
        if wanted != found:
            raise ModelError(
                f"model {self.card.model} has tensors of shape {found} where its card asks for {wanted}: "
                "copy the pair again"
            )
        for tensor in (self._input, self._output):
            if tensor["dtype"] not in (np.int8, np.uint8, np.float32):
                raise ModelError(
                    f"model {self.card.model} has tensors of {tensor['dtype']}: convert it to int8"
                )


def load_all(directory: Path, models: Iterable[str]) -> dict[str, Classifier]:
    """Load several models, in this order; raises ModelError at the first that is not whole."""
    return {model: Classifier.load(directory, model) for model in models}


def runtime_name() -> str:
    """Return the name and version of the runtime that is in use."""
    package = "ai-edge-litert" if Interpreter.__module__.startswith("ai_edge_litert") else "tflite-runtime"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _quantised(values: Float32Array, tensor: dict[str, Any]) -> npt.NDArray[Any]:
    """Return values as the tensor takes them; clipped, because a cast to int8 wraps around."""
    dtype = tensor["dtype"]
    if dtype == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(dtype)
    steps = np.rint(values / np.float32(scale) + zero_point)
    quantised: npt.NDArray[Any] = steps.clip(limits.min, limits.max).astype(dtype)
    return quantised


def _dequantised(values: npt.NDArray[Any], tensor: dict[str, Any]) -> Float32Array:
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    real: Float32Array = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real


def _softmax(logits: Float32Array) -> npt.NDArray[np.float64]:
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def _said(error: Exception) -> str:
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text.split("\n", 1)[0]
