"""A recording as a FHIR R4 Bundle: plain documents, no patient, no diagnosis."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_worker.database.history import RecordingEntry, Review

Resource = dict[str, Any]
NOTICE: Final = "Labels describe a sound: not a diagnosis. Research and education, not a medical device."
_HL7: Final = "http://terminology.hl7.org/CodeSystem"
OURS: Final = "urn:stetho-edge"
_STATUSES: Final = {"confirmed": "final", "rejected": "entered-in-error"}
"""A rejected result is withdrawn: `amended` would claim that somebody put a right one in its place."""
UCUM: Final = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Sound:
    """Where the WAV file is to be had."""

    url: str
    size: int
    """Bytes"""
    sha1: str
    """Base64, as Attachment.hash wants it."""


class Export:
    """One recording on its way into a Bundle."""

    def __init__(
        self,
        entry: RecordingEntry,
        result: Mapping[str, Any] | None,
        review: Review | None,
        codes: Mapping[str, Any],
        sound: Sound | None,
    ) -> None:
        """Take what is known; `sound` is None where the audio was removed."""
        self._entry = entry
        self._result = result
        self._review = review
        self._codes = codes
        self._sound = sound

    def bundle(self) -> Resource:
        """Return the Bundle; the same recording has the same ids, always."""
        media, *observations = self.resources()
        described = device(self._entry.device_id, self._codes)
        resources = [described, media, *observations, self._report(len(observations))]
        return bundle_of(self._id("bundle"), self.issued, resources)

    def resources(self) -> list[Resource]:
        """Return the sound, then the observations: of the heart rate, and of each model."""
        return [self._media(), *self._observations()]

    @property
    def issued(self) -> str:
        """When anything here was last said."""
        said = self._entry.analysed_at or self._entry.received_at
        return max(said, self._review.reviewed_at) if self._review else said

    @property
    def _status(self) -> str:
        return _STATUSES[self._review.verdict] if self._review else "preliminary"

    def _id(self, name: str) -> str:
        return resource_id(self._entry.device_id, self._entry.recording_id, name)

    def _reference(self, name: str) -> Resource:
        return reference(self._id(name))

    def _media(self) -> Resource:
        entry = self._entry
        content: Resource = {"contentType": "audio/wav", "creation": entry.captured_at}
        if self._sound is None:
            content["title"] = "the audio file was removed"
        else:
            content |= {"url": self._sound.url, "size": self._sound.size, "hash": self._sound.sha1}
        return {
            "resourceType": "Media",
            "id": self._id("media"),
            "identifier": [
                {"system": f"{OURS}:recording", "value": f"{entry.device_id}/{entry.recording_id}"},
                {"system": f"{OURS}:pcm-sha256", "value": entry.audio_sha256},
            ],
            "status": "completed",
            "type": {"coding": [{"system": f"{_HL7}/media-type", "code": "audio", "display": "Audio"}]},
            "createdDateTime": entry.captured_at,
            "device": reference(resource_id(self._entry.device_id, "device")),
            "duration": round(entry.audio_s, 3),
            "content": content,
        } | self._body_site()

    def _observations(self) -> list[Resource]:
        if self._result is None or self._result["status"] == "error":
            return []
        return [self._heart_rate(self._result), *map(self._label, self._result["models"])]

    def _observation(self, name: str, code: Resource) -> Resource:
        return {
            "resourceType": "Observation",
            "id": self._id(name),
            "status": self._status,
            "code": code,
            "effectiveDateTime": self._entry.captured_at,
            "issued": self.issued,
            "device": reference(resource_id(self._entry.device_id, "device")),
            "derivedFrom": [self._reference("media")],
            "note": [{"text": NOTICE}],
        } | self._body_site()

    def _heart_rate(self, result: Mapping[str, Any]) -> Resource:
        found = self._observation("observation-0", self._codes["heart_rate"])
        rate = result.get("heart_rate_bpm")
        if rate is None:
            return found | absent("no heart rate could be told")
        unit = {"unit": "beats/minute", "system": UCUM, "code": "/min"}
        return found | {"valueQuantity": {"value": rate, **unit}}

    def _label(self, prediction: Mapping[str, Any]) -> Resource:
        models = [each["model"] for each in (self._result or {})["models"]]
        model = prediction["model"]
        code = self._codes["models"].get(model, {"text": f"Label of a sound by the model {model}"})
        found = self._observation(f"observation-{1 + models.index(model)}", code)
        label = self._concept("labels", prediction["label"])
        said = {"valueCodeableConcept": label} if prediction["accepted"] else absent("cannot tell")
        method = f"{model} {prediction['version']}, SHA-256 {prediction['sha256']}"
        shares = [
            {
                "code": self._concept("labels", name),
                "valueQuantity": {"value": share, "unit": "probability", "system": UCUM, "code": "1"},
            }
            for name, share in prediction["probabilities"].items()
        ]
        return found | said | {"method": {"text": method}, "component": shares}

    def _report(self, observations: int) -> Resource:
        report: Resource = {
            "resourceType": "DiagnosticReport",
            "id": self._id("report"),
            "status": self._status,
            "code": self._codes["report"],
            "effectiveDateTime": self._entry.captured_at,
            "issued": self.issued,
            "media": [{"link": self._reference("media")}],
            "conclusion": f"{self._conclusion()} {NOTICE}",
        }
        if self._result is None:
            report["status"] = "registered"
        elif self._result["status"] == "error" and self._review is None:
            report["status"] = "cancelled"
        if observations:
            report["result"] = [self._reference(f"observation-{i}") for i in range(observations)]
        if self._review is not None:
            report["resultsInterpreter"] = [{"display": _text(self._review.reviewer)}]
        return report

    def _conclusion(self) -> str:
        if self._result is None:
            return "Not analysed yet."
        said = [
            f"{each['model']}: {each['label'] if each['accepted'] else 'cannot tell'}."
            for each in self._result["models"]
        ]
        said += [f"{hint[0].upper()}{hint[1:]}." for hint in self._result["hints"]]
        if self._review is not None:
            note = f": {_text(self._review.note)}" if self._review.note.strip() else ""
            said.append(f"A person {self._review.verdict} this on {self._review.reviewed_at}{note}.")
        return " ".join(said) or "No model judged this."

    def _body_site(self) -> Resource:
        site = _text(str(self._entry.meta.get("site") or ""))
        return {"bodySite": self._concept("sites", site)} if site else {}

    def _concept(self, kind: str, name: str) -> Resource:
        found: Resource = self._codes[kind].get(name, {"text": name})
        return found


def resource_id(*names: str) -> str:
    """Return the id of what is so named, the same at every export."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join((OURS, *names))))


def reference(identity: str) -> Resource:
    """Return a reference to a resource of the same Bundle."""
    return {"reference": f"urn:uuid:{identity}"}


def device(device_id: str, codes: Mapping[str, Any]) -> Resource:
    """Return the stethoscope: one resource, whatever was recorded with it."""
    return {
        "resourceType": "Device",
        "id": resource_id(device_id, "device"),
        "identifier": [{"system": f"{OURS}:device", "value": device_id}],
        "type": codes["stethoscope"],
    }


def bundle_of(identity: str, timestamp: str, resources: Sequence[Resource]) -> Resource:
    """Return the Bundle of `resources`."""
    return {
        "resourceType": "Bundle",
        "id": identity,
        "type": "collection",
        "timestamp": timestamp,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources],
    }


def absent(why: str) -> Resource:
    """Return what stands where a value could not be told."""
    coding = {"system": f"{_HL7}/data-absent-reason", "code": "unknown", "display": "Unknown"}
    return {"dataAbsentReason": {"coding": [coding], "text": why}}


def _text(text: str) -> str:
    """Return `text` as FHIR takes it: printable, without blanks around it."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
