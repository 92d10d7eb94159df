"""What is known of one device: its calibration by known hearts, and the spectrum of the hearts it heard."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # programs that only read the database start without numpy
    from edge_worker.inference.model_card import ModelCard


Source = Literal["folder", "reviews"]


@dataclass(frozen=True, slots=True)
class DeviceSpectrum:
    """Mean spectral shape of the hearts that a device heard."""

    levels_db: tuple[float, ...]
    """Mean `spectral_shape` of its recordings, one level a band of `HEART_LOG_MEL`."""
    recordings: int
    """How many recordings count."""


@dataclass(frozen=True, slots=True)
class DeviceCalibration:
    """Calibration of a device for one version of one model, measured on hearts whose label is known."""

    model: str
    sha256: str
    """SHA-256 of the .tflite file that it was measured with: it holds for no other."""
    shift: float
    """How much more abnormal healthy hearts sound on this device, as log odds (`AdaptationRule.shift`)."""
    hearts: int
    source: Source
    calibrated_at: str
    """RFC 3339, UTC, `Z`."""
    calibrated_by: str
    reference: tuple[float, ...] | None = None
    """Mean `spectral_shape` of the hearts; None: the running spectrum of the device counts."""
    abnormal_hearts: int = 0
    """Hearts that are known to be abnormal, beside `hearts` that are healthy."""
    threshold: float | None = None
    """Lowest confidence of a label accepted on this device, as hearts of both labels prove (`device_proof`);
    1: none is accepted. None: there is no proof, and the card decides."""

    def is_current(self, card: "ModelCard") -> bool:
        """Return whether it was measured with this model, and the model can be calibrated."""
        return card.adaptation is not None and (card.model, card.sha256) == (self.model, self.sha256)

    def facts(self, card: "ModelCard") -> dict[str, Any]:
        """Return the field `calibration` of a prediction (`docs/protocol.md` § Result)."""
        if not self.is_current(card):
            return {"outdated": True}
        facts = {"hearts": self.hearts, "shift": round(self.shift, 4), "calibrated_at": self.calibrated_at}
        return facts if self.threshold is None else {**facts, "abnormal_hearts": self.abnormal_hearts}


@dataclass(frozen=True, slots=True)
class DeviceAdaptation:
    """What one model knows of the device that a recording comes from."""

    calibration: DeviceCalibration | None = None
    """Applied only where it is current."""
    spectrum: DeviceSpectrum | None = None
    """Running mean over the recordings of the device; a current calibration's own reference replaces it."""

    def current(self, card: "ModelCard") -> DeviceCalibration | None:
        """Return the calibration if it was measured with this model, else None."""
        calibration = self.calibration
        return calibration if calibration is not None and calibration.is_current(card) else None

    def proven_threshold(self, card: "ModelCard") -> float | None:
        """Return the confidence that known hearts of the device ask for; None: they prove nothing."""
        calibration = self.current(card)
        return None if calibration is None else calibration.threshold

    def spectrum_for(self, card: "ModelCard") -> DeviceSpectrum | None:
        """Return the spectrum that the model is corrected by, None where there is none."""
        calibration = self.current(card)
        if calibration is not None and calibration.reference is not None:
            return DeviceSpectrum(calibration.reference, calibration.hearts)
        return self.spectrum
