"""Prediction of one model for one recording, as part of a result: `docs/protocol.md` § Result."""

from dataclasses import dataclass
from typing import Any

from edge_worker.protocol.meaning import UNKNOWN, Hears, Meaning


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction of one model for one recording."""

    model: str
    version: str
    sha256: str
    """SHA-256 of the .tflite file."""
    label: str
    confidence: float
    """Calibrated probability of `label`, 0..1."""
    threshold: float
    """Confidence that the model card asks for, 0..1."""
    accepted: bool
    """False: below the threshold, or the audio was not usable. The label must not be shown as an answer."""
    probabilities: dict[str, float]
    windows: int
    """How many windows of the recording were classified and averaged."""
    took_ms: float
    familiarity: float | None = None
    """How much the device resembles those of training, 0..1; None: the model does not say."""
    calibration: dict[str, Any] | None = None
    """Of the device for this model, as published: `hearts`, `shift` and `calibrated_at`; or `outdated`, true,
    where it belongs to another version and was not applied. None: the device has none."""
    hears: Hears = "heart"
    """What the model is for."""
    meaning: Meaning = UNKNOWN
    """What `label` means."""

    def document(self) -> dict[str, Any]:
        """Return the prediction as part of the full result."""
        adaptation = {"familiarity": rounded(self.familiarity, 3), "calibration": self.calibration}
        return {
            "model": self.model,
            "version": self.version,
            "sha256": self.sha256,
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "threshold": self.threshold,
            "accepted": self.accepted,
            "severity": self.meaning.severity,
            "hears": self.hears,
            "probabilities": {label: round(p, 4) for label, p in self.probabilities.items()},
            "windows": self.windows,
            "took_ms": round(self.took_ms, 3),
            **{name: value for name, value in adaptation.items() if value is not None},
        }


def rounded(value: float | None, digits: int) -> float | None:
    """Return a number with so many digits, None where there is none."""
    return None if value is None else round(value, digits)
