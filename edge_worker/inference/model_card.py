"""Model card `<model>.json`: labels, features, windows, calibration and thresholds of a classifier."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from edge_worker.inference.adaptation import ABNORMAL, NORMAL, AdaptationRule
from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from edge_worker.protocol.meaning import UNKNOWN, Hears, Meaning
from edge_worker.signal.features import FeatureParameters, parse_features
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import Pad


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Fields of `<model>.json` that inference needs; `document` holds all of it, for readers."""

    model: str
    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    labels: tuple[str, ...]
    """In the order of the outputs."""
    features: FeatureParameters
    window_s: float
    hop_s: float
    """Longest distance between the starts of windows of a recording."""
    temperature: float
    """Logits are divided by it before the softmax, which calibrates the confidence (Guo et al. 2017)."""
    threshold: float
    """Lowest confidence of an accepted label, 0..1."""
    max_missing_fraction: float
    """Largest fraction of missing samples of a recording that is classified, 0..1."""
    domain: Hears
    """`hears` in the card."""
    pad: Pad
    trim_db: float | None
    """Ends of a recording this far below its loudest frame are cut off; None: they are not."""
    background: bool
    """Whether the model has an output for "none of the labels", after those of the labels."""
    unfamiliar_device: UnfamiliarDevice | None
    """How recordings of devices are classified that training did not hear; None: as any other. Such a model
    takes `HEART_LOG_MEL` and has the states of the heart cycle as a second output."""
    adaptation: AdaptationRule | None
    """How a device is calibrated; None: this model cannot be."""
    document: dict[str, Any]
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """What labels mean, of those that the card explains."""

    @classmethod
    def parse(cls, text: str) -> "ModelCard":
        """Return the card in a JSON text; raises ValueError, KeyError or TypeError when it is none."""
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
            unfamiliar_device=None,
            adaptation=AdaptationRule.parse(document["adaptation"]) if "adaptation" in document else None,
            document=document,
            meanings={label: Meaning.parse(entry) for label, entry in document.get("meanings", {}).items()},
        )
        card._check()
        unfamiliar = document.get("unfamiliar_device")
        if unfamiliar is None:
            return card
        if card.features != HEART_LOG_MEL:
            raise ValueError("it needs the features of hearts, to know an unfamiliar_device")
        return replace(card, unfamiliar_device=UnfamiliarDevice.parse(unfamiliar, card.outputs))

    def _check(self) -> None:
        rules = {
            "two different labels or more": len(set(self.labels)) == len(self.labels) > 1,
            "window_s and hop_s above 0": self.window_s > 0 < self.hop_s,
            "a temperature above 0": 0 < self.temperature < math.inf,
            "a threshold from 0 to 1": 0 <= self.threshold <= 1,
            "a max_missing_fraction from 0 to 1": 0 <= self.max_missing_fraction <= 1,
            "features that can be computed": self.features.is_valid(),
            "hears: heart or sound": self.domain in get_args(Hears),
            "pad: repeat or silence": self.pad in get_args(Pad),
            "a trim_db above 0, or none": self.trim_db is None or self.trim_db > 0,
            "background: true or false": isinstance(self.background, bool),
            "an adaptation only for normal and abnormal hearts, with a level for each band": (
                self.adaptation is None or self._can_adapt(self.adaptation)
            ),
        }
        for rule, is_met in rules.items():
            if not is_met:
                raise ValueError(f"it needs {rule}")

    def _can_adapt(self, rule: AdaptationRule) -> bool:
        is_of_hearts = {ABNORMAL, NORMAL} == set(self.labels) and self.features == HEART_LOG_MEL
        return is_of_hearts and len(rule.reference_db) == self.features.bands

    def meaning(self, label: str) -> Meaning:
        """Return what a label means."""
        return self.meanings.get(label, UNKNOWN)

    @property
    def outputs(self) -> int:
        """Number of outputs of the model."""
        return len(self.labels) + self.background

    @property
    def window_frames(self) -> int:
        """Frames per window."""
        return self.features.frame_count(self.window_s)

    @property
    def hop_frames(self) -> int:
        """Longest distance between the starts of windows, in frames."""
        return max(1, round(self.hop_s * self.features.sample_rate / self.features.hop_length))
