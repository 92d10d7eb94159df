"""Model card `<model>.json`: what the worker must know of a classifier."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from edge_worker.signal.features import FeatureParameters, parse_features
from edge_worker.signal.windowing import Pad

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
