"""FHIR R4 Bundle of one exam: a DiagnosticReport over the recordings that count; no patient, no diagnosis."""

from collections.abc import Mapping, Sequence
from typing import Any

from edge_worker.protocol.exam import Exam
from edge_worker.protocol.exam_position import POSITIONS
from history_api.models.label_words import LabelWords
from history_api.pictures.notice import LABEL_NOTICE
from history_api.reports import fhir_time
from history_api.reports.fhir_attachment import Attachment
from history_api.reports.fhir_recording_bundle import RecordingBundle
from history_api.reports.fhir_resource import (
    NAMESPACE,
    OBSERVATION_CATEGORY,
    REPORT_CATEGORY,
    UCUM,
    Resource,
    absent_value,
    bundle,
    device,
    heart_rate_value,
    interpretation,
    reference,
    resource_id,
    subject,
)
from history_api.results import exam_words


class ExamBundle:
    """Builder of the Bundle of one exam."""

    def __init__(
        self,
        exam: Exam,
        recordings: Sequence[RecordingBundle],
        codes: Mapping[str, Any],
        words: LabelWords,
        *,
        pdf: Attachment,
    ) -> None:
        """Take an exam, the recordings that count in it, and its report."""
        self._document = exam.document()
        self._recordings = recordings
        self._codes = codes
        self._words = words
        self._pdf = pdf
        self._resources = [each for recording in recordings for each in recording.resources()]

    def bundle(self) -> Resource:
        """Return the Bundle; its ids are the same in every export of this exam."""
        stethoscope = device(self._document["device_id"], self._codes)
        own = [self._label(), self._heart_rate()]
        resources = [stethoscope, *self._resources, *own, self._report(own)]
        return bundle(self._id("bundle"), self._issued, resources)

    @property
    def _issued(self) -> str:
        times = [recording.issued for recording in self._recordings]
        return max(times) if times else str(self._document["last_captured_at"])

    @property
    def _status(self) -> str:
        used = [each for each in self._document["positions"] if each["recording_id"]]
        is_confirmed = bool(used) and all(each["review"] in ("confirmed", "corrected") for each in used)
        return "final" if is_confirmed else "preliminary"

    def _id(self, name: str) -> str:
        return resource_id(self._document["device_id"], "exam", self._document["exam"], name)

    def _of_whom_and_when(self) -> Resource:
        first, last = self._document["first_captured_at"], self._document["last_captured_at"]
        entries = [each.entry for each in self._recordings]
        when = fhir_time.period(entries) if entries else {"effectivePeriod": {"start": first, "end": last}}
        return when | subject(self._document.get("subject"))

    def _of_type(self, resource_type: str) -> list[Resource]:
        return [each for each in self._resources if each["resourceType"] == resource_type]

    def _observation(self, name: str, code: Resource, derived_from: Sequence[Resource]) -> Resource:
        observation: Resource = {
            "resourceType": "Observation",
            **OBSERVATION_CATEGORY,
            "id": self._id(name),
            "status": self._status,
            "code": code,
            "issued": self._issued,
            "device": reference(resource_id(self._document["device_id"], "device")),
            "note": [{"text": LABEL_NOTICE}],
        } | self._of_whom_and_when()
        if derived_from:
            observation["derivedFrom"] = [reference(each["id"]) for each in derived_from]
        return observation

    def _label(self) -> Resource:
        labels = [each for each in self._of_type("Observation") if "component" in each]
        observation = self._observation("label", self._codes["exam_label"], labels)
        label = self._document["label"]
        if label == "inconclusive":
            return observation | absent_value("cannot tell") | self._probabilities()
        value = {"valueCodeableConcept": self._concept(label)} | interpretation(self._document["severity"])
        return observation | value | self._probabilities()

    def _probabilities(self) -> Resource:
        share = self._document["probability"]
        if share is None:
            return {}
        shares = {"normal": round(1 - share, 4), "abnormal": share}
        return {
            "component": [
                {
                    "code": self._concept(label),
                    "valueQuantity": {"value": value, "unit": "probability", "system": UCUM, "code": "1"},
                }
                for label, value in shares.items()
            ]
        }

    def _concept(self, label: str) -> Resource:
        concept: Resource = self._codes["labels"].get(label, {"text": self._words.of(label)})
        return concept

    def _heart_rate(self) -> Resource:
        rates = [each for each in self._of_type("Observation") if "valueQuantity" in each]
        rate = self._document["heart_rate_bpm"]
        method = {} if rate is None else {"method": {"text": "median of the positions"}}
        observation = self._observation("heart-rate", self._codes["heart_rate"], rates)
        return observation | heart_rate_value(rate) | method

    def _report(self, own: Sequence[Resource]) -> Resource:
        document = self._document
        name = f"{document['device_id']}/{document['exam']}"
        report: Resource = {
            "resourceType": "DiagnosticReport",
            **REPORT_CATEGORY,
            "id": self._id("report"),
            "identifier": [{"system": f"{NAMESPACE}:exam", "value": name}],
            "status": "registered" if document["analysing"] == document["recordings"] else self._status,
            "code": self._codes["exam"],
            "issued": self._issued,
            "result": [reference(each["id"]) for each in (*own, *self._of_type("Observation"))],
            "conclusion": f"{self._conclusion()} {LABEL_NOTICE}",
            "presentedForm": [self._pdf.element()],
        } | self._of_whom_and_when()
        media = [{"link": reference(each["id"])} for each in self._of_type("Media")]
        return report | ({"media": media} if media else {})

    def _conclusion(self) -> str:
        document = self._document
        label = self._words.of(None if document["label"] == "inconclusive" else document["label"])
        alone = document["carried_by"]
        missing = ", ".join(f"{each} ({POSITIONS[each]})" for each in document["missing"])
        sentences = [
            f"{each['site'] or 'site not given'}: {self._position(each)}."
            for each in document["positions"]
            if each["recording_id"]
        ]
        together = exam_words.together(document)
        if together:
            sentences.insert(0, f"{together}.")
        if alone is not None:
            sentences.insert(0, f"One position alone makes it so: {alone['site'] or 'site not given'}.")
        return " ".join([f"Exam: {label}.", *sentences, f"Missing positions: {missing or 'none'}."])

    def _position(self, position: Mapping[str, Any]) -> str:
        """Return what a position says: `not sure alone, for abnormal`."""
        own, evidence = position["label"], position["evidence"]
        label = self._words.of(own) if own else exam_words.position_label(dict(position))
        return label if evidence is None else f"{label}, {exam_words.evidence(evidence)}"
