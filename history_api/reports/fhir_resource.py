"""Parts that FHIR R4 Bundles of recordings and exams share: ids, references, the device, absent values."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from edge_worker.protocol.meaning import Severity
from history_api.models.label_words import LabelWords

Resource = dict[str, Any]
"""A FHIR resource, or a part of one, as a JSON object."""
HL7: Final = "http://terminology.hl7.org/CodeSystem"
NAMESPACE: Final = "urn:stetho-edge"
"""Prefix of the identifier systems of this project."""
UCUM: Final = "http://unitsofmeasure.org"


OBSERVATION_CATEGORY: Final[Resource] = {
    "category": [
        {"coding": [{"system": f"{HL7}/observation-category", "code": "exam", "display": "Exam"}]},
    ]
}
REPORT_CATEGORY: Final[Resource] = {
    "category": [{"coding": [{"system": f"{HL7}/v2-0074", "code": "OTH", "display": "Other"}]}]
}


def resource_id(*names: str) -> str:
    """Return the id of the resource that `names` identify; it is the same in every export."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join((NAMESPACE, *names))))


def reference(identity: str) -> Resource:
    """Return a Reference to the resource of that id in the same Bundle."""
    return {"reference": f"urn:uuid:{identity}"}


def subject(pseudonym: str | None) -> Resource:
    """Return the subject of a resource, as the patient of that pseudonym; nothing where there is none."""
    if pseudonym is None:
        return {}
    identifier = {"system": f"{NAMESPACE}:subject", "value": pseudonym}
    return {"subject": {"type": "Patient", "identifier": identifier}}


def device(device_id: str, codes: Mapping[str, Any]) -> Resource:
    """Return the Device of a stethoscope; all its recordings and exams refer to the same one."""
    return {
        "resourceType": "Device",
        "id": resource_id(device_id, "device"),
        "identifier": [{"system": f"{NAMESPACE}:device", "value": device_id}],
        "type": codes["stethoscope"],
    }


def bundle(identity: str, timestamp: str, resources: Sequence[Resource]) -> Resource:
    """Return the Bundle of `resources`: a transaction, which creates or replaces them."""
    return {
        "resourceType": "Bundle",
        "id": identity,
        "type": "transaction",
        "timestamp": timestamp,
        "entry": [_entry(each) for each in resources],
    }


def _entry(resource: Resource) -> Resource:
    address = f"{resource['resourceType']}/{resource['id']}"
    request = {"method": "PUT", "url": address}
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "request": request}


def heart_rate_value(rate: float | None) -> Resource:
    """Return the value of a heart rate Observation in beats per minute, or why it is absent."""
    if rate is None:
        return absent_value("no heart rate could be told")
    return {"valueQuantity": {"value": rate, "unit": "beats/minute", "system": UCUM, "code": "/min"}}


def label_concept(words: LabelWords, model: str, label: str) -> Resource:
    """Return the codes of a label from its model card, and its name."""
    codes = [
        {name: code[name] for name in ("system", "code", "display")}
        for code in words.meaning(model, label).codes
    ]
    return ({"coding": codes} if codes else {}) | {"text": words.label(model, label)}


def interpretation(severity: Severity) -> Resource:
    """Return whether a heart sound is abnormal, as an Observation says it; nothing where it is unknown."""
    if severity == "unknown":
        return {}
    code, display = ("A", "Abnormal") if severity == "finding" else ("N", "Normal")
    coding = {"system": f"{HL7}/v3-ObservationInterpretation", "code": code, "display": display}
    return {"interpretation": [{"coding": [coding]}]}


def absent_value(reason: str) -> Resource:
    """Return the `dataAbsentReason` of an Observation without a value."""
    coding = {"system": f"{HL7}/data-absent-reason", "code": "unknown", "display": "Unknown"}
    return {"dataAbsentReason": {"coding": [coding], "text": reason}}


def fhir_text(text: str) -> str:
    """Return `text` as the FHIR type `string` allows it: printable, no blanks at the ends."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
