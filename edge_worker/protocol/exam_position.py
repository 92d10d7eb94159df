"""Position of an exam: one auscultation site, its recordings, and what the one that counts says.

Part of the exam: `docs/protocol.md` § Exam.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from edge_worker.protocol import exam_evidence
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.verdict import Verdict, of_predictions

Label = Literal["normal", "abnormal"]

POSITIONS: Final[dict[str, str]] = {"AV": "aortic", "PV": "pulmonary", "TV": "tricuspid", "MV": "mitral"}
"""Auscultation sites of the heart, in the usual order."""
POSITION_REASONS: Final[dict[str, str]] = REASONS | {
    "not_recorded": "nothing was recorded here",
    "analysing": "it is still being analysed",
    "other_subject": "it is of another subject: begin a new exam",
    "rejected": "a person rejected the result: record again",
}
"""Reasons why a position has no label, each with the hint that is shown."""
_SHOWN: Final = ("model", "label", "confidence", "accepted", "severity", "hears")
"""Of each prediction at a position."""
_LABELS: Final[dict[Severity, Label]] = {"finding": "abnormal", "none": "normal"}
SEVERITIES: Final[dict[Label | None, Severity]] = {"abnormal": "finding", "normal": "none", None: "unknown"}


@dataclass(frozen=True, slots=True)
class ExamRecording:
    """One recording of an exam, with its result and its review."""

    recording_id: str
    captured_at: str
    """RFC 3339, UTC, `Z`; not later than it arrived, whatever its device says."""
    site: str | None
    """Auscultation site, as the device reports it."""
    result: dict[str, Any] | None = None
    """The result as published; None while it is being analysed."""
    verdict: str | None = None
    """Verdict of its review: `confirmed`, `rejected` or `corrected`; None: there is no review."""
    subject: str | None = None
    """Pseudonym of whose sound it is; None: its device did not say."""
    is_of_other_subject: bool = False
    """Whether its exam is of another subject, so that it does not count."""
    corrected_severity: Severity | None = None
    """Of the label to which a reviewer corrected the result."""

    @property
    def position(self) -> str | None:
        """Its site: one of `POSITIONS` in upper case, or as the device reports it."""
        site = (self.site or "").strip()
        return site.upper() if site.upper() in POSITIONS else site or None

    @property
    def unusable_reason(self) -> str | None:
        """A word of `POSITION_REASONS` why it cannot be used; None: it can."""
        if self.is_of_other_subject:
            return "other_subject"
        if self.result is None:
            return "analysing"
        if self.verdict == "rejected":
            return "rejected"
        reasons = self.result["reasons"]
        if "gaps" in reasons:
            return "gaps"
        if self.result["status"] == "error" or not self.result["quality"]["usable"]:
            return reasons[0] if reasons else "failed"
        return None

    @property
    def verdict_of_heart(self) -> Verdict:
        """Its verdict, by models for hearts alone: other sounds tell nothing about a heart."""
        return of_predictions(each for each in self._predictions if each["hears"] == "heart")

    @property
    def label(self) -> Label | None:
        """What its models for hearts accepted, or a reviewer corrected that to; None: it cannot be told."""
        if self.corrected_severity is not None:
            return _LABELS.get(self.corrected_severity)
        return _LABELS.get(self.verdict_of_heart.severity)

    @property
    def evidence(self) -> float | None:
        """Log odds of `abnormal` against `normal`; None: no model has both, or the audio is of no heart."""
        if self.corrected_severity is not None or any(
            each["severity"] == "unknown" for each in self._accepted
        ):
            return None
        return exam_evidence.log_odds(self._predictions)

    @property
    def is_abnormal_alone(self) -> bool:
        """Whether a model that gives no evidence accepted a sound that is not normal, uncontradicted.

        The evidence contradicts where `normal` is the more probable.
        """
        if self.corrected_severity is not None:
            return self.label == "abnormal"
        others = [each for each in self._accepted if not exam_evidence.is_evidence(each)]
        is_found = any(each["severity"] == "finding" for each in others)
        return is_found and (self.evidence is None or self.evidence >= 0)

    @property
    def _predictions(self) -> list[dict[str, Any]]:
        return list((self.result or {}).get("models", ()))

    @property
    def _accepted(self) -> list[dict[str, Any]]:
        return [each for each in self._predictions if each["accepted"] and each["hears"] == "heart"]


@dataclass(frozen=True, slots=True)
class Position:
    """One auscultation site of an exam: its recordings, and the one that is used."""

    site: str | None
    recordings: tuple[ExamRecording, ...]
    """In the order in which they were stored: clocks of devices may be wrong."""

    @property
    def used(self) -> ExamRecording | None:
        """The newest recording that is usable."""
        return next((each for each in reversed(self.recordings) if each.unusable_reason is None), None)

    @property
    def label(self) -> Label | None:
        """Label of the recording that is used."""
        return None if self.used is None else self.used.label

    @property
    def confidence(self) -> float | None:
        """Confidence of its label, 0..1; None where there is none, or a person gave it."""
        if self.used is None or self.label is None or self.used.corrected_severity is not None:
            return None
        return self.used.verdict_of_heart.confidence

    @property
    def evidence(self) -> float | None:
        """Log odds of `abnormal` against `normal` of the recording that is used; None: it says nothing."""
        return None if self.used is None else self.used.evidence

    @property
    def is_corrected(self) -> bool:
        """Whether the label is a reviewer's, who heard more than a model that says nothing."""
        return self.used is not None and self.label is not None and self.used.verdict == "corrected"

    @property
    def is_abnormal_alone(self) -> bool:
        """Whether the recording that is used makes the exam abnormal, whatever the other positions say."""
        return self.used is not None and self.used.is_abnormal_alone

    @property
    def reason(self) -> str | None:
        """A word of `POSITION_REASONS` why there is no label; None: there is one."""
        if self.label is not None:
            return None
        if self.used is not None and self.used.result is not None:
            reasons: list[str] = self.used.result["reasons"]
            return reasons[0] if reasons else "low_confidence"
        return self.recordings[-1].unusable_reason if self.recordings else "not_recorded"

    def reference(self) -> dict[str, Any]:
        """Return which position it is, and the recording that is used."""
        used = self.used
        named = {"site": self.site, "name": POSITIONS.get(self.site or "")}
        return named | {"recording_id": None if used is None else used.recording_id}

    def document(self, device_id: str) -> dict[str, Any]:
        """Return this position as part of the published exam."""
        used, reason = self.used, self.reason
        result = (None if used is None else used.result) or {}
        return {
            "site": self.site,
            "name": POSITIONS.get(self.site or ""),
            "label": self.label,
            "severity": SEVERITIES[self.label],
            "confidence": self.confidence,
            "disagree": [] if used is None else list(used.verdict_of_heart.disagree),
            "evidence": None if self.evidence is None else round(self.evidence, 3),
            "reason": reason,
            "hint": None if reason is None else POSITION_REASONS.get(reason, reason),
            "recordings": len(self.recordings),
            "recording_id": None if used is None else used.recording_id,
            "captured_at": None if used is None else used.captured_at,
            "heart_rate_bpm": result.get("heart_rate_bpm"),
            "models": [{name: each[name] for name in _SHOWN} for each in result.get("models", ())],
            "review": None if used is None else used.verdict,
            "links": {} if used is None else {"recording": _path(used.recording_id, device_id)},
        }


def _path(recording_id: str, device_id: str) -> str:
    return f"/api/v1/recordings/{recording_id}?device={device_id}"
