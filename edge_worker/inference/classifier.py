"""A quantised model and its card.

A model is a pair of files: `<model>.tflite` and `<model>.json`, the card with everything that the tensor
file cannot say.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.inference.interpreter import ModelInterpreter, read_pair
from edge_worker.protocol.result import Prediction
from edge_worker.signal import nrdt
from edge_worker.signal.features import (
    FeatureParameters,
    Float32Array,
    LogMelParameters,
    Pad,
    Signal,
    normalise,
    trim,
    windows,
)

SoundDomain = Literal["heart", "sound"]
"""What a model listens to: a heart, which must be found first, or any sound."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What `<model>.json` says that the worker needs; `document` is all of it, for people."""

    model: str
    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    labels: tuple[str, ...]
    """In the order of the output tensor."""
    features: FeatureParameters
    window_s: float
    hop_s: float
    """Windows of a recording are at most this far apart."""
    temperature: float
    """Logits are divided by it before the softmax (Guo et al. 2017): honest confidence."""
    threshold: float
    """Confidence from which on a label is accepted, 0..1."""
    max_missing_fraction: float
    """A recording that lost more than this is not to be judged, 0..1."""
    domain: SoundDomain
    pad: Pad
    trim_db: float | None
    """Ends of a recording this far under its loudest frame are left out; None: nothing is."""
    background: bool
    """The network has one output more than labels: everything that is none of them."""
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "ModelCard":
        """Read a card; raises ValueError, KeyError or TypeError when it is not one."""
        document = json.loads(text)
        card = cls(
            model=document["model"],
            version=document["version"],
            sha256=document["sha256"],
            labels=tuple(document["labels"]),
            features=parse_features(document["features"]),
            window_s=float(document["window_s"]),
            hop_s=float(document["hop_s"]),
            temperature=float(document["temperature"]),
            threshold=float(document["threshold"]),
            max_missing_fraction=float(document["max_missing_fraction"]),
            domain=document.get("hears", "heart"),
            pad=document.get("pad", "repeat"),
            trim_db=document.get("trim_db"),
            background=document.get("background", False),
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
            "features that can be computed": self.features.is_valid(),
            "hears: heart or sound": self.domain in get_args(SoundDomain),
            "pad: repeat or silence": self.pad in get_args(Pad),
            "a trim_db above 0, or none": self.trim_db is None or self.trim_db > 0,
            "background: true or false": isinstance(self.background, bool),
        }
        for rule, kept in rules.items():
            if not kept:
                raise ValueError(f"it needs {rule}")

    @property
    def outputs(self) -> int:
        """Numbers that the network gives."""
        return len(self.labels) + self.background

    @property
    def window_frames(self) -> int:
        """Frames of a window."""
        return self.features.frame_count(self.window_s)

    @property
    def hop_frames(self) -> int:
        """Frames between windows, at most."""
        return max(1, round(self.hop_s * self.features.sample_rate / self.features.hop_length))


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
        if card.model != model or hashlib.sha256(content).hexdigest() != card.sha256:
            raise ModelError(
                f"{card_path} and {card_path.with_suffix('.tflite')} do not belong together: "
                "copy both files again"
            )
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
        return softmax(self._network.run(normalise(seen)) / self.card.temperature)


_FEATURES: Final = {"log_mel": LogMelParameters, "nrdt": nrdt.NrdtParameters}


def parse_features(document: dict[str, Any]) -> FeatureParameters:
    """Return the parameters that a card names; raises TypeError or ValueError when it names none."""
    named = dict(document)
    kind = named.pop("kind", "log_mel")
    if kind not in _FEATURES:
        raise ValueError(f"features of kind {kind!r} are not known")
    parameters: FeatureParameters = _FEATURES[kind](**named)
    return parameters


def features_document(features: FeatureParameters) -> dict[str, Any]:
    """Return what `parse_features` reads."""
    if not isinstance(features, LogMelParameters | nrdt.NrdtParameters):
        raise TypeError(f"{type(features).__name__} has no name in a card")
    kind = next(kind for kind, of_kind in _FEATURES.items() if isinstance(features, of_kind))
    return {"kind": kind, **asdict(features)}


def load_all(directory: Path, models: Iterable[str]) -> dict[str, Classifier]:
    """Load several models, in this order; raises ModelError at the first that is not whole."""
    return {model: Classifier.load(directory, model) for model in models}


def softmax(logits: Float32Array) -> npt.NDArray[np.float64]:
    """Return the probabilities of logits (windows, outputs), each row adding up to 1."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def _said(error: Exception) -> str:
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text.split("\n", 1)[0]
