"""FHIR R4 Bundle of one recording: Device, Media, Observations and report; no patient, no diagnosis."""

from collections.abc import Mapping
from typing import Any, Final

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.reviewing.review import Review
from history_api.models.label_words import LabelWords
from history_api.pictures.notice import LABEL_NOTICE
from history_api.reports import fhir_time
from history_api.reports.fhir_attachment import Attachment
from history_api.reports.fhir_resource import (
    HL7,
    NAMESPACE,
    OBSERVATION_CATEGORY,
    REPORT_CATEGORY,
    UCUM,
    Resource,
    absent_value,
    bundle,
    device,
    fhir_text,
    heart_rate_value,
    interpretation,
    label_concept,
    reference,
    resource_id,
    subject,
)
from history_api.results.kept_words import kept_words

_STATUSES: Final = {"confirmed": "final", "rejected": "entered-in-error", "corrected": "amended"}
"""Status by verdict. A rejected result is withdrawn: `amended` would claim that a correct one replaces it."""


class RecordingBundle:
    """Builder of the Bundle of one recording."""

    def __init__(
        self,
        entry: RecordingEntry,
        result: Mapping[str, Any] | None,
        review: Review | None,
        codes: Mapping[str, Any],
        words: LabelWords,
        *,
        audio: Attachment | None,
        pdf: Attachment | None = None,
    ) -> None:
        """Take a recording; `result` is None while it is analysed, `audio` is None where it was removed.

        `pdf` is its report, for a Bundle of its own.
        """
        self.entry = entry
        self._result = result
        self._review = review
        self._codes = codes
        self._audio = audio
        self._pdf = pdf
        self._words = words

    def bundle(self) -> Resource:
        """Return the Bundle; its ids are the same in every export of this recording."""
        stethoscope = device(self.entry.device_id, self._codes)
        return bundle(self._id("bundle"), self.issued, [stethoscope, *self.resources(), self.report()])

    def resources(self) -> list[Resource]:
        """Return the Media, then the Observations: the heart rate, and the label of each model."""
        return [self._media(), *self._observations()]

    @property
    def issued(self) -> str:
        """Time of the last change: the analysis or the review (RFC 3339)."""
        analysed = self.entry.analysed_at or self.entry.received_at
        return max(analysed, self._review.reviewed_at) if self._review else analysed

    @property
    def _status(self) -> str:
        return _STATUSES[self._review.verdict] if self._review else "preliminary"

    @property
    def _right(self) -> tuple[str, str] | None:
        """Model and label to which a reviewer corrected the result."""
        review = self._review
        return (review.model, review.label) if review and review.model and review.label else None

    def _id(self, name: str) -> str:
        return resource_id(self.entry.device_id, self.entry.recording_id, name)

    def _reference(self, name: str) -> Resource:
        return reference(self._id(name))

    def _media(self) -> Resource:
        entry = self.entry
        removed = {"contentType": "audio/wav", "title": "the audio file was removed"}
        content = removed if self._audio is None else self._audio.element()
        kept = kept_words(entry)
        said = [*([f"{kept[0].upper()}{kept[1:]}."] if kept else []), *fhir_time.doubts(entry)]
        note: Resource = {"note": [{"text": each} for each in said]} if said else {}
        return (
            {
                "resourceType": "Media",
                "id": self._id("media"),
                "identifier": [
                    {"system": f"{NAMESPACE}:recording", "value": f"{entry.device_id}/{entry.recording_id}"},
                    {"system": f"{NAMESPACE}:pcm-sha256", "value": entry.audio_sha256},
                ],
                "status": "completed",
                "type": {"coding": [{"system": f"{HL7}/media-type", "code": "audio", "display": "Audio"}]},
                "device": reference(resource_id(self.entry.device_id, "device")),
                "duration": round(entry.audio_s, 3),
                "content": content | fhir_time.moment("creation", entry),
            }
            | fhir_time.moment("createdDateTime", entry)
            | note
            | self._of_whom()
        )

    def _observations(self) -> list[Resource]:
        if self._result is None or self._result["status"] == "error":
            return []
        return [self._heart_rate(self._result), *map(self._label, self._result["models"])]

    def _observation(self, name: str, code: Resource) -> Resource:
        return {
            "resourceType": "Observation",
            **OBSERVATION_CATEGORY,
            "id": self._id(name),
            "status": self._status,
            "code": code,
            "issued": self.issued,
            "device": reference(resource_id(self.entry.device_id, "device")),
            "derivedFrom": [self._reference("media")],
            "note": [{"text": each} for each in (LABEL_NOTICE, *fhir_time.doubts(self.entry))],
        } | self._of_whom_and_when()

    def _heart_rate(self, result: Mapping[str, Any]) -> Resource:
        observation = self._observation("observation-0", self._codes["heart_rate"])
        if self._right is not None:
            observation["status"] = "preliminary"
        return observation | heart_rate_value(result.get("heart_rate_bpm"))

    def _label(self, prediction: Mapping[str, Any]) -> Resource:
        models = [each["model"] for each in (self._result or {})["models"]]
        model = prediction["model"]
        code = self._codes["models"].get(model, {"text": f"{self._words.model(model)}, by the model {model}"})
        observation = self._observation(f"observation-{1 + models.index(model)}", code)
        label = self._label_concept(model, prediction["label"])
        value = {"valueCodeableConcept": label} if prediction["accepted"] else absent_value("cannot tell")
        if prediction["accepted"] and prediction["hears"] == "heart":
            value |= interpretation(prediction["severity"])
        method = f"{model} {prediction['version']}, SHA-256 {prediction['sha256']}"
        probabilities = [
            {
                "code": self._label_concept(model, name),
                "valueQuantity": {"value": share, "unit": "probability", "system": UCUM, "code": "1"},
            }
            for name, share in prediction["probabilities"].items()
        ]
        if self._right is not None:
            value = self._corrected(observation, prediction, value)
        return observation | value | {"method": {"text": method}, "component": probabilities}

    def _corrected(self, observation: Resource, prediction: Mapping[str, Any], value: Resource) -> Resource:
        """Return the value that a correction leaves; what the model said goes into a note."""
        verdict = (self._result or {})["verdict"]
        model, label = self._right or ("", "")
        if prediction["model"] == model:
            said = fhir_text(f"The model said: {self._said(prediction)}.")
            observation["note"] = [*observation["note"], {"text": said}]
            severity = self._words.meaning(model, label).severity
            heart = interpretation(severity) if prediction["hears"] == "heart" else {}
            return {"valueCodeableConcept": self._label_concept(model, label)} | heart
        # The answer that was replaced is withdrawn; of other models nobody said anything.
        observation["status"] = (
            "entered-in-error" if prediction["model"] == verdict["model"] else "preliminary"
        )
        return value

    def report(self) -> Resource:
        """Return the report that groups the Media and the Observations."""
        observations = len(self._observations())
        report: Resource = {
            "resourceType": "DiagnosticReport",
            **REPORT_CATEGORY,
            "id": self._id("report"),
            "status": self._status,
            "code": self._codes["report" if self._is_of_a_body else "sound_report"],
            "issued": self.issued,
            "media": [{"link": self._reference("media")}],
            "conclusion": f"{self._conclusion()} {LABEL_NOTICE}",
        }
        report |= subject(self.entry.meta.get("subject")) | fhir_time.moment("effectiveDateTime", self.entry)
        if self._pdf is not None:
            report["presentedForm"] = [self._pdf.element()]
        if self._result is None:
            report["status"] = "registered"
        elif self._result["status"] == "error" and self._review is None:
            report["status"] = "cancelled"
        verdict = (self._result or {}).get("verdict") or {}
        if self._right is not None:
            report["conclusionCode"] = [self._label_concept(*self._right)]
        elif verdict.get("label") is not None:
            report["conclusionCode"] = [self._label_concept(verdict["model"], verdict["label"])]
        if observations:
            report["result"] = [self._reference(f"observation-{i}") for i in range(observations)]
        if self._review is not None:
            report["resultsInterpreter"] = [{"display": fhir_text(self._review.reviewer)}]
        return report

    @property
    def _is_of_a_body(self) -> bool:
        """Whether it is an auscultation, as far as the models tell; other sounds are analysed, too."""
        models = (self._result or {}).get("models", [])
        return not models or any(each["hears"] == "heart" for each in models)

    def _conclusion(self) -> str:
        if self._result is None:
            return " ".join(["Not analysed yet.", *fhir_time.doubts(self.entry)])
        words, models = self._words, self._result["models"]
        said = [words.headline(self._result), words.disagreement(self._result)]
        sentences = [f"{each}." for each in said if each]
        sentences += [f"{words.model(each['model'])}: {self._said(each)}." for each in models]
        sentences += [f"{hint[0].upper()}{hint[1:]}." for hint in words.hints(self._result)]
        if self._review is not None:
            note = f": {fhir_text(self._review.note)}" if self._review.note.strip() else ""
            correction = self._words.correction(self._review)
            what = f"{correction}" if correction else f"A person {self._review.verdict} this"
            sentences.append(f"{what} on {self._review.reviewed_at}{note}.")
        sentences += fhir_time.doubts(self.entry)
        return " ".join(sentences)

    def _said(self, prediction: Mapping[str, Any]) -> str:
        label = self._words.label(prediction["model"], prediction["label"])
        return label if prediction["accepted"] else self._words.severity("unknown")

    def _label_concept(self, model: str, label: str) -> Resource:
        """Return the code of the site for a label, else those of the model card with its name."""
        known: Resource | None = self._codes["labels"].get(label)
        return label_concept(self._words, model, label) if known is None else known

    def _of_whom_and_when(self) -> Resource:
        return self._of_whom() | fhir_time.moment("effectiveDateTime", self.entry)

    def _of_whom(self) -> Resource:
        """Return whose sound it is, and where on the body it was heard, as far as the device says."""
        return subject(self.entry.meta.get("subject")) | self._body_site()

    def _body_site(self) -> Resource:
        site = fhir_text(str(self.entry.meta.get("site") or ""))
        return {"bodySite": self._concept("sites", site)} if site else {}

    def _concept(self, kind: str, name: str) -> Resource:
        """Return the code of the site for `name`, or `name` as text."""
        concept: Resource = self._codes[kind].get(name, {"text": name})
        return concept
