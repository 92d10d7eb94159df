"""Answers of the older systems: the prediction of one model with the names that their documents show.

Their clients expect a label whatever the sound is. They get the likeliest, and beside it whether the model
accepts it: `accepted`, and where not, why, in `note`.
"""

from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

from history_api.results.legacy_prediction import UNKNOWN

_LOW_CONFIDENCE: Final = "Low confidence prediction"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says about one sound."""

    label: str
    confidence: float
    probabilities: dict[str, float]
    accepted: bool
    reasons: str
    """Why it is not accepted; empty where it is."""
    file_name: str
    """As its sender calls it."""

    @classmethod
    def of(cls, result: dict[str, Any], model: str, threshold: float, file_name: str | None) -> Self:
        """Return what `model` says in a result; what is less certain than `threshold` is not accepted."""
        prediction = next((each for each in result["models"] if each["model"] == model), None)
        name = file_name or f"{result['recording_id']}.wav"
        hints = "; ".join(result["hints"])
        if prediction is None:
            return cls(UNKNOWN, 0.0, {}, accepted=False, reasons=hints or "no prediction", file_name=name)
        accepted = prediction["accepted"] and prediction["confidence"] >= threshold
        return cls(
            prediction["label"],
            round(prediction["confidence"], 4),
            {label: round(share, 4) for label, share in prediction["probabilities"].items()},
            accepted=accepted,
            reasons="" if accepted else hints or _LOW_CONFIDENCE,
            file_name=name,
        )

    @property
    def acceptance(self) -> dict[str, Any]:
        """The members that the older systems did not have."""
        return {"accepted": self.accepted} | ({} if self.accepted else {"note": not_accepted(self.reasons)})


def not_accepted(reasons: str) -> str:
    """Return the sentence that stands beside a label which must not be taken for an answer."""
    return f"not accepted, do not rely on this label: {reasons}"


def of_class(answer: Answer) -> dict[str, Any]:
    """Return an answer of the heart systems: `Normal`, not `normal`."""
    label = answer.label.capitalize()
    return {
        "class": label,
        "predicted_class": label,
        "confidence": answer.confidence,
        "probabilities": answer.probabilities,
        **answer.acceptance,
    }


def of_digit(answer: Answer) -> dict[str, Any]:
    """Return an answer of the digits system, which rejects what it is not certain of."""
    document = {
        "predicted_class": answer.label if answer.accepted else UNKNOWN,
        "confidence": answer.confidence,
        "all_predictions": answer.probabilities,
        **answer.acceptance,
    }
    return document if answer.accepted else document | {"error": _LOW_CONFIDENCE}


def of_emotion(answer: Answer) -> dict[str, Any]:
    """Return an answer of the emotion system; its picture is at the address in it, below the same base."""
    return {
        "emotion": answer.label,
        "probabilities": answer.probabilities,
        "audio_file": answer.file_name,
        "visualization": f"visualizations/{quote(stem(answer.file_name))}_analysis.png",
        **answer.acceptance,
    }


def as_text(answer: Answer) -> str:
    """Return an answer as a line for a small display, such as `Normal 98.50%`."""
    line = f"{answer.label.capitalize()} {100 * answer.confidence:.2f}%"
    return line if answer.accepted else f"{line} (not accepted)"


def stem(file_name: str) -> str:
    """Return the name of a file without its kind."""
    begin, dot, _ = file_name.rpartition(".")
    return begin if dot and begin else file_name
