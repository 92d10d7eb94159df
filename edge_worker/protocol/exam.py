"""Exam: the recordings of one chest, made by one device under one id, with a label for all of them together.

Worker to operators on `stetho/v1/exam/{device}/{exam}`, QoS 1, not retained; JSON. Derived from the results
whenever it is needed and never stored, so deletions and reviews need no upkeep. Normative:
`docs/protocol.md` § Exam.

The label is that of the evidence of all positions together (`exam_evidence`), where two or more have some.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final, Literal

from edge_worker.protocol import exam_evidence
from edge_worker.protocol.document_size import MAX_BYTES, compact_json
from edge_worker.protocol.exam_evidence import MIN_POSITIONS, SURE_ABNORMAL, SURE_NORMAL
from edge_worker.protocol.exam_position import POSITIONS, SEVERITIES, ExamRecording, Label, Position

MAX_RECORDINGS: Final = 100
"""Only this many of the newest count: a device that never changes its id must not slow each result down."""
LABEL_RULE: Final = (
    f"Abnormal: the positions together are at least {100 * SURE_ABNORMAL:.0f} % abnormal, or another model "
    "is sure of such a sound at one of them and nothing there contradicts it. Normal: all four positions "
    f"were heard, together they are at least {100 * SURE_NORMAL:.0f} % normal, and none is abnormal. "
    "Otherwise it is inconclusive. A single position says what its models are sure of. At each position the "
    "recording that was stored last counts, if it is usable."
)
"""The rule for the label of an exam, as shown on pages and in reports."""


@dataclass(frozen=True, slots=True)
class Exam:
    """The recordings of one exam by position, and their label."""

    device_id: str
    exam_id: str
    positions: tuple[Position, ...]
    """The four of `POSITIONS` first, then other sites that the device reports."""
    subject: str | None = None
    """The first subject that a recording of it is of; those of another one do not count."""

    @classmethod
    def of(cls, device_id: str, exam_id: str, recordings: Sequence[ExamRecording]) -> "Exam":
        """Return the exam of `recordings`, which are in the order in which they were stored."""
        subject = next((each.subject for each in recordings if each.subject is not None), None)
        by_position: dict[str | None, list[ExamRecording]] = {site: [] for site in POSITIONS}
        for recording in recordings:
            is_of_other = recording.subject not in (None, subject)
            by_position.setdefault(recording.position, []).append(
                replace(recording, is_of_other_subject=is_of_other)
            )
        positions = tuple(Position(site, tuple(each)) for site, each in by_position.items())
        return cls(device_id, exam_id, positions, subject)

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
            is_heard = all(each.evidence is not None or each.is_corrected for each in standard)
            is_normal = self._label_together == "normal" and is_heard and not is_abnormal
            is_alone = any(each.is_abnormal_alone for each in self.positions)
            is_abnormal = self._label_together == "abnormal" or is_alone
        return "abnormal" if is_abnormal else "normal" if is_normal else "inconclusive"

    @property
    def confidence(self) -> float | None:
        """Confidence of the label, 0..1; None: inconclusive.

        Together, the probability of the label. Where labels of single positions made it, that of the surest
        position that is abnormal, or of the least sure one of those that are all normal.
        """
        if self.probability is not None and self.label == self._label_together:
            return self.probability if self.label == "abnormal" else 1 - self.probability
        of_label = [each.confidence for each in self.positions if each.label == self.label]
        known = [each for each in of_label if each is not None]
        return (max(known) if self.label == "abnormal" else min(known)) if known else None

    @property
    def carried_by(self) -> Position | None:
        """The one position without which the exam would not be abnormal; None: several are, or none is."""
        if self.label != "abnormal":
            return None
        needed = [each for each in self.positions if self._without(each).label != "abnormal"]
        return needed[0] if len(needed) == 1 else None

    def _without(self, position: Position) -> "Exam":
        others = (replace(each, recordings=()) if each is position else each for each in self.positions)
        return replace(self, positions=tuple(others))

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
            **({} if self.subject is None else {"subject": self.subject}),
            "label": self.label,
            "severity": SEVERITIES[None if self.label == "inconclusive" else self.label],
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "carried_by": None if self.carried_by is None else self.carried_by.reference(),
            "probability": None if self.probability is None else round(self.probability, 4),
            "missing": self.missing,
            "heart_rate_bpm": self.heart_rate_bpm,
            "recordings": len(recordings),
            **({"of_other_subjects": others} if (others := self._of_other_subjects(recordings)) else {}),
            "analysing": sum(each.result is None for each in recordings),
            "first_captured_at": times[0] if times else None,
            "last_captured_at": times[-1] if times else None,
            "positions": [position.document(self.device_id) for position in self.positions],
            "links": {"self": f"/api/v1/exams/{self.exam_id}?device={self.device_id}"},
        }

    @staticmethod
    def _of_other_subjects(recordings: Sequence[ExamRecording]) -> int:
        return sum(each.is_of_other_subject for each in recordings)

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
