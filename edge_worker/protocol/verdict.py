"""Verdict: the one answer for one sound, from what all of its models accepted.

Made here alone, by a rule that `docs/models.md` § Verdict states; every screen, report and message shows it.
Part of the result: `docs/protocol.md` § Result.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from edge_worker.protocol.meaning import Severity

_ORDER: Final[dict[Severity, int]] = {"finding": 0, "none": 1, "unknown": 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a recording; without a label it cannot be told."""

    label: str | None = None
    model: str | None = None
    """The model that gave the label."""
    severity: Severity = "unknown"
    confidence: float | None = None
    disagree: tuple[str, ...] = ()
    """Models for hearts whose accepted labels contradict each other, in the order of the models."""
    text: str = ""
    """Name of the label, or that it cannot be told, in the language of the site."""
    event: str | None = None
    """Recording id of the event that it is of; None: of the recording itself."""

    def document(self) -> dict[str, Any]:
        """Return the verdict as part of the full result."""
        return {
            "label": self.label,
            "model": self.model,
            "severity": self.severity,
            "confidence": self.confidence,
            "disagree": list(self.disagree),
            "text": self.text,
            **({} if self.event is None else {"event": self.event}),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Return the verdict in a full result."""
        known = {name: document[name] for name in ("label", "model", "severity", "confidence", "text")}
        return cls(**known, disagree=tuple(document["disagree"]), event=document.get("event"))

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Self:
        """Return the verdict of a result of an event, for the stream that it is a part of."""
        return replace(cls.parse(event["verdict"]), event=event["recording_id"])

    def is_hidden_by(self, other: Self) -> bool:
        """Return whether `other`, shown in its place, would hide something more serious."""
        return self.label is not None and _ORDER[self.severity] < _ORDER[other.severity]


NO_VERDICT: Final = Verdict()


def of_predictions(predictions: Iterable[Mapping[str, Any]]) -> Verdict:
    """Return the verdict of predictions, the `models` of a result as published.

    Of the accepted labels a finding wins, the first in the order of the models. Labels of models for hearts
    that differ in severity contradict each other: then nothing but a finding is an answer.
    """
    accepted = [each for each in predictions if each["accepted"]]
    hearts = [each for each in accepted if each["hears"] == "heart"]
    is_contradicted = len({each["severity"] for each in hearts}) > 1
    disagree = tuple(each["model"] for each in hearts) if is_contradicted else ()
    best = min(accepted, key=lambda each: _ORDER[each["severity"]], default=None)
    if best is None or (is_contradicted and best["severity"] != "finding"):
        return Verdict(disagree=disagree)
    confidence = round(best["confidence"], 4)
    return Verdict(best["label"], best["model"], best["severity"], confidence, disagree)
