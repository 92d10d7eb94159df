"""An exam as a FHIR R4 Bundle: one report over the recordings that count, plain and without a patient."""

from collections.abc import Mapping, Sequence
from typing import Any

from edge_worker.protocol.exam import POSITIONS, Exam
from history_api.reports.fhir_recording_bundle import (
    NOTICE,
    OURS,
    UCUM,
    Export,
    Resource,
    absent,
    bundle_of,
    device,
    reference,
    resource_id,
)


class ExamExport:
    """One exam on its way into a Bundle."""

    def __init__(self, exam: Exam, exports: Sequence[Export], codes: Mapping[str, Any]) -> None:
        """Take an exam and the recordings that count in it."""
        self._document = exam.document()
        self._exports = exports
        self._codes = codes
        self._members = [each for export in exports for each in export.resources()]

    def bundle(self) -> Resource:
        """Return the Bundle; the same exam has the same ids, always."""
        described = device(self._document["device_id"], self._codes)
        own = [self._label(), self._heart_rate()]
        return bundle_of(
            self._id("bundle"), self._issued, [described, *self._members, *own, self._report(own)]
        )

    @property
    def _issued(self) -> str:
        said: list[str] = [export.issued for export in self._exports] or [self._document["last_captured_at"]]
        return max(said)

    @property
    def _status(self) -> str:
        used = [each for each in self._document["positions"] if each["recording_id"]]
        is_confirmed = bool(used) and all(each["review"] == "confirmed" for each in used)
        return "final" if is_confirmed else "preliminary"

    def _id(self, name: str) -> str:
        return resource_id(self._document["device_id"], "exam", self._document["exam"], name)

    def _effective(self) -> Resource:
        first, last = self._document["first_captured_at"], self._document["last_captured_at"]
        return {"effectivePeriod": {"start": first, "end": last}}

    def _of_kind(self, kind: str) -> list[Resource]:
        return [each for each in self._members if each["resourceType"] == kind]

    def _observation(self, name: str, code: Resource, derived_from: Sequence[Resource]) -> Resource:
        found: Resource = {
            "resourceType": "Observation",
            "id": self._id(name),
            "status": self._status,
            "code": code,
            "issued": self._issued,
            "device": reference(resource_id(self._document["device_id"], "device")),
            "note": [{"text": NOTICE}],
        } | self._effective()
        if derived_from:
            found["derivedFrom"] = [reference(each["id"]) for each in derived_from]
        return found

    def _label(self) -> Resource:
        labels = [each for each in self._of_kind("Observation") if "component" in each]
        found = self._observation("label", self._codes["exam_label"], labels)
        label = self._document["label"]
        if label == "inconclusive":
            return found | absent("cannot tell")
        return found | {"valueCodeableConcept": self._codes["labels"].get(label, {"text": label})}

    def _heart_rate(self) -> Resource:
        rates = [each for each in self._of_kind("Observation") if "valueQuantity" in each]
        found = self._observation("heart-rate", self._codes["heart_rate"], rates)
        rate = self._document["heart_rate_bpm"]
        if rate is None:
            return found | absent("no heart rate could be told")
        unit = {"unit": "beats/minute", "system": UCUM, "code": "/min"}
        return found | {
            "valueQuantity": {"value": rate, **unit},
            "method": {"text": "median of the positions"},
        }

    def _report(self, own: Sequence[Resource]) -> Resource:
        document = self._document
        name = f"{document['device_id']}/{document['exam']}"
        report: Resource = {
            "resourceType": "DiagnosticReport",
            "id": self._id("report"),
            "identifier": [{"system": f"{OURS}:exam", "value": name}],
            "status": "registered" if document["analysing"] == document["recordings"] else self._status,
            "code": self._codes["exam"],
            "issued": self._issued,
            "result": [reference(each["id"]) for each in (*own, *self._of_kind("Observation"))],
            "conclusion": f"{self._conclusion()} {NOTICE}",
        } | self._effective()
        media = [{"link": reference(each["id"])} for each in self._of_kind("Media")]
        return report | ({"media": media} if media else {})

    def _conclusion(self) -> str:
        document = self._document
        label = "cannot tell" if document["label"] == "inconclusive" else document["label"]
        missing = ", ".join(f"{each} ({POSITIONS[each]})" for each in document["missing"])
        places = [
            f"{each['site'] or 'site not said'}: {each['label'] or 'cannot tell'}."
            for each in document["positions"]
            if each["recording_id"]
        ]
        return " ".join([f"Exam: {label}.", *places, f"Missing positions: {missing or 'none'}."])
