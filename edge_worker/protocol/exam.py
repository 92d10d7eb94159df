"""Exam: the recordings of one chest, made by one device under one id, with a label for all of them together.

Worker to operators on `stetho/v1/exam/{device}/{exam}`, QoS 1, not retained; JSON. Derived from the results
whenever it is needed and never stored, so deletions and reviews need no upkeep. Normative:
`docs/protocol.md` § Exam.

The label is that of the evidence of all positions together (`exam_evidence`), where two or more have some.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, Literal

from edge_worker.protocol import exam_evidence
from edge_worker.protocol.document_size import MAX_BYTES, compact_json
from edge_worker.protocol.exam_evidence import MIN_POSITIONS, SURE_ABNORMAL, SURE_NORMAL
from edge_worker.protocol.result import REASONS

Label = Literal["normal", "abnormal"]

POSITIONS: Final[dict[str, str]] = {"AV": "aortic", "PV": "pulmonary", "TV": "tricuspid", "MV": "mitral"}
"""Auscultation sites of the heart, in the usual order."""
ABNORMAL: Final = frozenset({"abnormal", "murmur", "extrahls", "extrastole"})
"""Labels of heart sounds that are not normal. Labels of other sounds tell nothing about a heart."""
NORMAL: Final = "normal"
ARTIFACT: Final = "artifact"
"""Label of audio that is not of a heart: then `normal` of another model does not count."""
MAX_RECORDINGS: Final = 100
"""Only this many of the newest count: a device that never changes its id must not slow each result down."""
LABEL_RULE: Final = (
    f"Abnormal: the positions together are at least {100 * SURE_ABNORMAL:.0f} % abnormal, or another model "
    "is sure of such a sound at one of them and nothing there contradicts it. Normal: all four positions "
    f"were heard, together they are at least {100 * SURE_NORMAL:.0f} % normal, and none is abnormal. "
    "Otherwise it is inconclusive. A single position says what its models are sure of. At each position the "
    "newest usable recording counts."
)
"""The rule for the label of an exam, as shown on pages and in reports."""
POSITION_REASONS: Final[dict[str, str]] = REASONS | {
    "not_recorded": "nothing was recorded here",
    "analysing": "it is still being analysed",
    "rejected": "a person rejected the result: record again",
}
"""Reasons why a position has no label, each with the hint that is shown."""


@dataclass(frozen=True, slots=True)
class ExamRecording:
    """One recording of an exam, with its result and its review."""

    recording_id: str
    captured_at: str
    """RFC 3339, UTC, `Z`."""
    site: str | None
    """Auscultation site, as the device reports it."""
    result: dict[str, Any] | None = None
    """The result as published; None while it is being analysed."""
    verdict: str | None = None
    """Verdict of its review: `confirmed` or `rejected`; None: there is no review."""

    @property
    def position(self) -> str | None:
        """Its site: one of `POSITIONS` in upper case, or as the device reports it."""
        site = (self.site or "").strip()
        return site.upper() if site.upper() in POSITIONS else site or None

    @property
    def unusable_reason(self) -> str | None:
        """A word of `POSITION_REASONS` why it cannot be used; None: it can."""
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
        """Label that its models accepted; None: they accepted none that counts."""
        accepted = {each["label"] for each in self._accepted}
        if accepted & ABNORMAL:
            return "abnormal"
        return "normal" if NORMAL in accepted and ARTIFACT not in accepted else None

    @property
    def evidence(self) -> float | None:
        """Log odds of `abnormal` against `normal`; None: no model has both, or the audio is of no heart."""
        if any(each["label"] == ARTIFACT for each in self._accepted):
            return None
        return exam_evidence.log_odds(self._predictions)

    @property
    def is_abnormal_alone(self) -> bool:
        """Whether a model that gives no evidence accepted a sound that is not normal, uncontradicted.

        The evidence contradicts where `normal` is the more probable.
        """
        others = [each for each in self._accepted if not exam_evidence.is_evidence(each)]
        is_found = any(each["label"] in ABNORMAL for each in others)
        return is_found and (self.evidence is None or self.evidence >= 0)

    @property
    def _predictions(self) -> list[dict[str, Any]]:
        return list((self.result or {}).get("models", ()))

    @property
    def _accepted(self) -> list[dict[str, Any]]:
        return [each for each in self._predictions if each["accepted"]]


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
    def evidence(self) -> float | None:
        """Log odds of `abnormal` against `normal` of the recording that is used; None: it says nothing."""
        return None if self.used is None else self.used.evidence

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

    def document(self, device_id: str) -> dict[str, Any]:
        """Return this position as part of the published exam."""
        used, reason = self.used, self.reason
        result = (None if used is None else used.result) or {}
        return {
            "site": self.site,
            "name": POSITIONS.get(self.site or ""),
            "label": self.label,
            "evidence": None if self.evidence is None else round(self.evidence, 3),
            "reason": reason,
            "hint": None if reason is None else POSITION_REASONS.get(reason, reason),
            "recordings": len(self.recordings),
            "recording_id": None if used is None else used.recording_id,
            "captured_at": None if used is None else used.captured_at,
            "heart_rate_bpm": result.get("heart_rate_bpm"),
            "models": [
                {name: each[name] for name in ("model", "label", "confidence", "accepted")}
                for each in result.get("models", ())
            ],
            "review": None if used is None else used.verdict,
            "links": {} if used is None else {"recording": _path(used.recording_id, device_id)},
        }


@dataclass(frozen=True, slots=True)
class Exam:
    """The recordings of one exam by position, and their label."""

    device_id: str
    exam_id: str
    positions: tuple[Position, ...]
    """The four of `POSITIONS` first, then other sites that the device reports."""

    @classmethod
    def of(cls, device_id: str, exam_id: str, recordings: Sequence[ExamRecording]) -> "Exam":
        """Return the exam of `recordings`, which are in the order in which they were stored."""
        by_position: dict[str | None, list[ExamRecording]] = {site: [] for site in POSITIONS}
        for recording in recordings:
            by_position.setdefault(recording.position, []).append(recording)
        positions = tuple(Position(site, tuple(each)) for site, each in by_position.items())
        return cls(device_id, exam_id, positions)

    @property
    def missing(self) -> list[str]:
        """Those of the four `POSITIONS` that have no usable recording."""
        return [str(each.site) for each in self.positions[: len(POSITIONS)] if each.used is None]

    @property
    def probability(self) -> float | None:
        """Probability of `abnormal` from the evidence of all positions, 0..1; None: no position has any."""
        return exam_evidence.probability(self._evidence)

    @property
    def label(self) -> Literal["normal", "abnormal", "inconclusive"]:
        """What the positions say together; of fewer than `MIN_POSITIONS`, what their models accepted."""
        standard = self.positions[: len(POSITIONS)]
        is_abnormal = any(each.label == "abnormal" for each in self.positions)
        if len(self._evidence) < MIN_POSITIONS:
            is_normal = all(each.label == "normal" for each in standard)
        else:
            is_heard = all(each.evidence is not None for each in standard)
            is_normal = self._label_together == "normal" and is_heard and not is_abnormal
            is_alone = any(each.is_abnormal_alone for each in self.positions)
            is_abnormal = self._label_together == "abnormal" or is_alone
        return "abnormal" if is_abnormal else "normal" if is_normal else "inconclusive"

    @property
    def confidence(self) -> float | None:
        """Probability of the label, 0..1; None: inconclusive, or single positions made the label."""
        if self.probability is None or self.label != self._label_together:
            return None
        return self.probability if self.label == "abnormal" else 1 - self.probability

    @property
    def _evidence(self) -> list[float]:
        return [each.evidence for each in self.positions if each.evidence is not None]

    @property
    def _label_together(self) -> Label | None:
        """Label that the evidence reaches; None: it reaches none, or too few positions have any."""
        share = self.probability
        if share is None or len(self._evidence) < MIN_POSITIONS:
            return None
        if share >= SURE_ABNORMAL:
            return "abnormal"
        return "normal" if 1 - share >= SURE_NORMAL else None

    @property
    def heart_rate_bpm(self) -> float | None:
        """Median heart rate of the recordings that are used; None: none is certain."""
        results = [each.used.result for each in self.positions if each.used is not None and each.used.result]
        rates = [each["heart_rate_bpm"] for each in results if each["heart_rate_bpm"] is not None]
        return round(median(rates), 1) if rates else None

    def document(self) -> dict[str, Any]:
        """Return the exam as published and as the history API answers it."""
        recordings = [each for position in self.positions for each in position.recordings]
        times = sorted(each.captured_at for each in recordings)
        return {
            "v": 1,
            "exam": self.exam_id,
            "device_id": self.device_id,
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "probability": None if self.probability is None else round(self.probability, 4),
            "missing": self.missing,
            "heart_rate_bpm": self.heart_rate_bpm,
            "recordings": len(recordings),
            "analysing": sum(each.result is None for each in recordings),
            "first_captured_at": times[0] if times else None,
            "last_captured_at": times[-1] if times else None,
            "positions": [position.document(self.device_id) for position in self.positions],
            "links": {"self": f"/api/v1/exams/{self.exam_id}?device={self.device_id}"},
        }

    def to_json(self) -> bytes:
        """Return `document()` as compact UTF-8 JSON."""
        return compact_json(self.document())

    def to_message(self) -> bytes:
        """Return what is published to operators: `to_json`, without the last positions if it is too large."""
        document = self.document()
        room = MAX_BYTES - len(
            compact_json(document | {"positions": [], "more_positions": len(self.positions)})
        )
        shown = []
        for position in document["positions"]:
            room -= len(compact_json(position)) + 1
            if room < 0:
                break
            shown.append(position)
        left_out = len(self.positions) - len(shown)
        more = {"more_positions": left_out} if left_out else {}
        return compact_json(document | {"positions": shown} | more)


def _path(recording_id: str, device_id: str) -> str:
    return f"/api/v1/recordings/{recording_id}?device={device_id}"
