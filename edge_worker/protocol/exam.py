"""An exam: what the recordings of one chest, made by one device under one id, say together.

Derived whenever it is asked for and never stored, so deletions and reviews need no upkeep. The rule is
normative in `docs/protocol.md` § Exam.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, Literal

from edge_worker.protocol.result import REASONS

Label = Literal["normal", "abnormal"]

POSITIONS: Final[dict[str, str]] = {"AV": "aortic", "PV": "pulmonary", "TV": "tricuspid", "MV": "mitral"}
"""Where a heart is listened to, in the order in which that is usually done."""
ABNORMAL: Final = frozenset({"abnormal", "murmur", "extrahls", "extrastole"})
"""Labels that are not normal; what is no heart says nothing of one."""
NORMAL: Final = "normal"
NOISE: Final = "artifact"
"""Who hears this does not hear the heart: another model's `normal` is then worth nothing."""
MAX_RECORDINGS: Final = 100
"""The newest so many make an exam: a device that never changes its id must not slow down every result."""
LABEL_RULE: Final = (
    "Abnormal: at some position a model is sure of a sound that is not normal. Normal: all four positions "
    "are. Otherwise nobody can tell. At each position the newest usable recording counts."
)
"""The rule in the words that people read."""
POSITION_REASONS: Final[dict[str, str]] = REASONS | {
    "not_recorded": "nothing was recorded here",
    "analysing": "it is still being analysed",
    "rejected": "a person rejected the result: record again",
}
"""Why a position has no label, each with what a person can do about it."""


@dataclass(frozen=True, slots=True)
class ExamRecording:
    """A recording of an exam."""

    recording_id: str
    captured_at: str
    """RFC 3339, UTC, `Z`."""
    site: str | None
    """As the device says."""
    result: dict[str, Any] | None = None
    """As published; None: it is being analysed."""
    verdict: str | None = None
    """What a person said: `confirmed` or `rejected`."""

    @property
    def position(self) -> str | None:
        """Where it was made: one of `POSITIONS`, however it is written, or what the device says."""
        said = (self.site or "").strip()
        return said.upper() if said.upper() in POSITIONS else said or None

    @property
    def trouble(self) -> str | None:
        """A word of `POSITION_REASONS`: why this cannot be used; None: it can."""
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
    def label(self) -> Label | None:
        """What its models were sure of; None: of nothing that counts."""
        said = {each["label"] for each in (self.result or {}).get("models", ()) if each["accepted"]}
        if said & ABNORMAL:
            return "abnormal"
        return "normal" if NORMAL in said and NOISE not in said else None


@dataclass(frozen=True, slots=True)
class Position:
    """One place on the chest: its recordings, and the one that counts."""

    site: str | None
    members: tuple[ExamRecording, ...]
    """In the order of `captured_at`."""

    @property
    def used(self) -> ExamRecording | None:
        """The newest recording that is usable."""
        return next((each for each in reversed(self.members) if each.trouble is None), None)

    @property
    def label(self) -> Label | None:
        """What is heard here."""
        return None if self.used is None else self.used.label

    @property
    def reason(self) -> str | None:
        """A word of `POSITION_REASONS`: why there is no label; None: there is one."""
        if self.label is not None:
            return None
        if self.used is not None and self.used.result is not None:
            said: list[str] = self.used.result["reasons"]
            return said[0] if said else "low_confidence"
        return self.members[-1].trouble if self.members else "not_recorded"

    def document(self, device_id: str) -> dict[str, Any]:
        """Return what is published of this place."""
        used, reason = self.used, self.reason
        result = (None if used is None else used.result) or {}
        return {
            "site": self.site,
            "name": POSITIONS.get(self.site or ""),
            "label": self.label,
            "reason": reason,
            "hint": None if reason is None else POSITION_REASONS.get(reason, reason),
            "recordings": len(self.members),
            "recording_id": None if used is None else used.recording_id,
            "captured_at": None if used is None else used.captured_at,
            "heart_rate_bpm": result.get("heart_rate_bpm"),
            "models": [
                {name: each[name] for name in ("model", "label", "confidence", "accepted")}
                for each in result.get("models", ())
            ],
            "review": None if used is None else used.verdict,
            "links": {} if used is None else {"recording": _address(used.recording_id, device_id)},
        }


@dataclass(frozen=True, slots=True)
class Exam:
    """The recordings of one exam, by position."""

    device_id: str
    exam_id: str
    positions: tuple[Position, ...]
    """The four first, then whatever else the device names."""

    @classmethod
    def of(cls, device_id: str, exam_id: str, members: Sequence[ExamRecording]) -> "Exam":
        """Return the exam of `members`, which are in the order of their storing."""
        by_position: dict[str | None, list[ExamRecording]] = {site: [] for site in POSITIONS}
        for member in sorted(members, key=lambda each: each.captured_at):
            by_position.setdefault(member.position, []).append(member)
        found = tuple(Position(site, tuple(each)) for site, each in by_position.items())
        return cls(device_id, exam_id, found)

    @property
    def missing(self) -> list[str]:
        """Which of the four have no usable recording."""
        return [str(each.site) for each in self.positions[: len(POSITIONS)] if each.used is None]

    @property
    def label(self) -> Literal["normal", "abnormal", "inconclusive"]:
        """Abnormal where one position is, normal where all four are, else nobody can tell."""
        if any(each.label == "abnormal" for each in self.positions):
            return "abnormal"
        is_normal = all(each.label == "normal" for each in self.positions[: len(POSITIONS)])
        return "normal" if is_normal else "inconclusive"

    @property
    def heart_rate_bpm(self) -> float | None:
        """Median of the rates of the recordings that count; None: no rate is certain."""
        results = [each.used.result for each in self.positions if each.used is not None and each.used.result]
        rates = [each["heart_rate_bpm"] for each in results if each["heart_rate_bpm"] is not None]
        return round(median(rates), 1) if rates else None

    def document(self) -> dict[str, Any]:
        """Return the exam as published and as the history API answers it."""
        members = [member for position in self.positions for member in position.members]
        times = sorted(member.captured_at for member in members)
        return {
            "v": 1,
            "exam": self.exam_id,
            "device_id": self.device_id,
            "label": self.label,
            "missing": self.missing,
            "heart_rate_bpm": self.heart_rate_bpm,
            "recordings": len(members),
            "analysing": sum(member.result is None for member in members),
            "first_captured_at": times[0] if times else None,
            "last_captured_at": times[-1] if times else None,
            "positions": [position.document(self.device_id) for position in self.positions],
            "links": {"self": f"/api/v1/exams/{self.exam_id}?device={self.device_id}"},
        }

    def to_json(self) -> bytes:
        """Return `document()` as compact UTF-8 JSON."""
        return json.dumps(self.document(), separators=(",", ":"), ensure_ascii=False).encode()


def _address(recording_id: str, device_id: str) -> str:
    return f"/api/v1/recordings/{recording_id}?device={device_id}"
